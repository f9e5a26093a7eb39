//! See the library.

fn main() -> std::process::ExitCode {
    pyairtable_platform::main()
}
