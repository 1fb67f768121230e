//! Filters of system calls, ready for seccomp(2).
use serde::{Deserialize, Serialize};

/// One filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallProgram {
    /// The directives that it stands for, for messages: `SystemCallFilter=`.
    pub directive: String,
    /// Instructions of the classic BPF machine: code, jump if true, jump if false, operand.
    pub instructions: Vec<(u16, u8, u8, u32)>,
}
