//! The `opnode` command. Everything is in `opnode::cli`.

fn main() -> std::process::ExitCode {
    opnode::cli::main()
}
