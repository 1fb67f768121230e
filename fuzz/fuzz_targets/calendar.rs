//! Fuzz target: `entry/calendar.rs`.
#![no_main]
#[path = "../entry/calendar.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|text: &str| entry::run(text));
