//! See the library.

/// A request makes and drops some dozens of small things; the system's allocator takes an eighth of the gateway's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    pyairtable_platform::main()
}
