//! What a bad setting looks like, and values with units.

use std::time::Duration;

use thiserror::Error;

/// Exit code of a process whose settings are wrong (sysexits `EX_USAGE`): restarting it will not help.
pub const EX_USAGE: u8 = 64;

/// A setting that cannot be used: one line that names the variable and says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{variable}: {message}")]
pub struct ConfigError {
    variable: String,
    message: String,
}

impl ConfigError {
    /// `variable` is the environment's name of the setting; `message` never holds a secret's value.
    pub fn new(variable: impl Into<String>, message: impl Into<String>) -> Self {
        Self { variable: variable.into(), message: message.into() }
    }

    /// The setting's name in the environment.
    pub fn variable(&self) -> &str {
        &self.variable
    }
}

/// A duration with its unit, such as `30s`, `1m 30s` or `250ms`: clap's `value_parser` for durations.
///
/// # Errors
/// Anything else, a number without a unit included (except `0`).
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" => Ok(Duration::ZERO),
        text => humantime::parse_duration(text)
            .map_err(|_| "expected a duration with its unit, such as 30s or 250ms".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_unit() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration(" 1m 30s "), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "30", "soon", "-1s", "30x"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn an_error_is_one_line_that_names_the_variable() {
        let error = ConfigError::new("WORMHOLE_PORT", "expected a port");
        assert_eq!(error.to_string(), "WORMHOLE_PORT: expected a port");
        assert_eq!(error.variable(), "WORMHOLE_PORT");
    }
}
