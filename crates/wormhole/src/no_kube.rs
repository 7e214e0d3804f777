//! Stands for `kube` in builds without that feature: it says so.
#![expect(clippy::unused_async, reason = "it has the shape of what it stands for")]

use std::process::ExitCode;

use wormhole_runtime::EX_USAGE;

use crate::args::KubeArgs;
use crate::terminal;

/// Says that it cannot.
pub(crate) async fn login(_: &KubeArgs, _: &str) -> ExitCode {
    cannot()
}

/// Says that it cannot.
pub(crate) async fn status(_: &KubeArgs) -> ExitCode {
    cannot()
}

fn cannot() -> ExitCode {
    terminal::line(
        "this build knows no cluster: build it with `cargo install --path crates/wormhole --features kube`",
    );
    ExitCode::from(EX_USAGE)
}
