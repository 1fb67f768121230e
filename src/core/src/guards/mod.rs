//! Programs that the kernel asks about what a service does, one file for each question: assembled
//! here by a library, and attached to the service's cgroup by the shell.
pub mod binds;
pub mod devices;
pub mod interfaces;
pub mod packets;
