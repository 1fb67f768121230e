//! The engine: one owner of all unit states. (Being written.)
use crate::snapshot::UnitStatus;
use crate::{Effect, Input, Instant};
use gitproc_unit::UnitName;

/// What the engine is told once.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The target whose closure is to run.
    pub default_target: UnitName,
    /// Randomness for invocation ids, from the shell (128 bits of getrandom(2)).
    pub seed: u128,
}

/// Decides. See [`crate::api`].
#[derive(Debug)]
pub struct Engine {
    #[allow(dead_code)]
    config: EngineConfig,
}

impl Engine {
    /// An engine that knows no units yet.
    pub fn new(config: EngineConfig) -> Engine {
        Engine { config }
    }

    /// Takes one input, and appends what has to be done to `out`.
    pub fn step(&mut self, _now: Instant, _input: Input, _out: &mut Vec<Effect>) {}

    /// When [`Input::Tick`] is to be given next.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// All units, by name.
    pub fn statuses(&self) -> Vec<UnitStatus> {
        Vec::new()
    }

    /// One unit.
    pub fn status(&self, _unit: &UnitName) -> Option<UnitStatus> {
        None
    }
}
