//! Filters of system calls: `SystemCallFilter=`, `SystemCallLog=`, `SystemCallErrorNumber=` and
//! `SystemCallArchitectures=`, as text becomes sets. Which numbers the kernel uses is not known
//! here.
mod action;
mod architecture;
mod filter;
mod groups;
mod known;
mod names;
mod set;

pub use action::SyscallAction;
pub use architecture::SyscallArchitectures;
pub use filter::{SyscallFilter, SyscallRules};
pub use groups::system_call_group;
pub use names::SyscallId;
