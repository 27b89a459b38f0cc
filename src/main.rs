//! The program: hands the process's own arguments, streams and environment to the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    kanado::memory::keep_little();
    kanado::cli::crash::install();
    kanado::cli::run(std::env::args_os(), &mut kanado::cli::Stdio::of_process()).into()
}
