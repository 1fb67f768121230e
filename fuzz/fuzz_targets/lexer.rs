//! Fuzz target: `entry/lexer.rs`.
#![no_main]
#[path = "../entry/lexer.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| entry::run(text));
