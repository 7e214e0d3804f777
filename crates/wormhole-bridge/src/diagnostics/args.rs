//! Settings of the diagnostics.

use clap::Args as ClapArgs;

use super::DiagnosticsConfig;

const MIB: u64 = 1024 * 1024;

/// Where reports on a changed site are kept.
#[derive(Debug, Clone, ClapArgs)]
#[group(skip)]
pub struct DiagnosticsArgs {
    /// The folder for pictures and outlines of a page that no longer fits its site profile; `off` keeps none. They may
    /// show a conversation: the folder is made for its owner's eyes alone.
    #[arg(
        long,
        env = "WORMHOLE_DIAGNOSTICS",
        default_value = "./data/diagnostics",
        value_name = "FOLDER|off"
    )]
    pub diagnostics: String,
    /// How much may be kept there, in MiB; the oldest goes first.
    #[arg(
        long, env = "WORMHOLE_DIAGNOSTICS_MIB", default_value_t = 64, value_name = "MIB",
        value_parser = clap::value_parser!(u32).range(1..=65536)
    )]
    pub diagnostics_mib: u32,
}

impl DiagnosticsArgs {
    /// Where to keep reports, if anywhere.
    pub(crate) fn config(self) -> Option<DiagnosticsConfig> {
        let Self { diagnostics, diagnostics_mib } = self;
        let folder = Some(diagnostics).filter(|folder| !folder.is_empty() && folder != "off")?;
        Some(DiagnosticsConfig { folder: folder.into(), most_bytes: u64::from(diagnostics_mib) * MIB })
    }
}
