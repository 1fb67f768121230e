//! Fuzz target: `entry/unit.rs`.
#![no_main]
#[path = "../entry/unit.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| entry::run(text));
