//! Fuzz target: `entry/command_line.rs`.
#![no_main]
#[path = "../entry/command_line.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| entry::run(text));
