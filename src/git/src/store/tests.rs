//! The store against real repositories.
