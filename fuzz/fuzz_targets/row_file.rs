//! See `src/fuzzing.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opnode::fuzzing::target("row_file")(data));
