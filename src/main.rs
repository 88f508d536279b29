//! The `opnode` command. Everything is in `opnode::cli`.

#[cfg(not(feature = "wipe"))]
#[global_allocator]
static ALLOCATOR: opnode::Wiping = opnode::Wiping;

fn main() -> std::process::ExitCode {
    opnode::cli::main()
}
