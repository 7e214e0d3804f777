//! `wormhole status`: what the three services say of themselves.

use std::process::ExitCode;

use crate::args::StatusArgs;
use crate::{ask, terminal};

/// Asks each; exit code 0 if all are ready.
pub(crate) async fn run(args: StatusArgs) -> ExitCode {
    let mut all_ready = true;
    for (name, admin) in [("server", &args.server), ("bridge", &args.bridge), ("oai", &args.oai)] {
        let (ready, words) = match ask::readiness(admin).await {
            Ok((ready, words)) => (ready, words.lines().collect::<Vec<_>>().join("; ")),
            Err(_) => (false, format!("nothing answers at {admin}")),
        };
        terminal::step(ready, name, words);
        all_ready &= ready;
    }
    if all_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
