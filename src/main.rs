//! The `evmig` command: parse, run, exit code.

fn main() -> std::process::ExitCode {
    evmig::cli::main()
}
