//! One field of an expression: `*`, or values, ranges and repetitions (`1..5/2,10/3`).

/// In seconds chains, which count µs.
pub(super) const SECOND: i64 = 1_000_000;
/// `*`, of seconds.
pub(super) const EVERY_SECOND: Component = Component {
    first: 0,
    then: Then::Every { step: SECOND },
};

/// A value, and how it goes on. The order is the one in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Component {
    pub first: i64,
    pub then: Then,
}

/// What follows the first value of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Then {
    /// Nothing.
    End,
    /// `/step`: as far as the field reaches.
    Every { step: i64 },
    /// `..last/step`.
    UpTo { last: i64, step: i64 },
}

/// Components; none is `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Chain(Vec<Component>);

impl Component {
    /// A single value.
    pub fn value(first: i64) -> Component {
        let then = Then::End;
        Component { first, then }
    }

    /// A range ends with a value that it reaches; one of a single value is that value.
    fn normalised(self) -> Component {
        let Component { first, then } = self;
        match then {
            Then::UpTo { last, step } if last > first && first + step <= last => Component {
                first,
                then: Then::UpTo {
                    last: last - (last - first) % step,
                    step,
                },
            },
            Then::UpTo { last, step: _ } if last >= first => Component::value(first),
            Then::UpTo { .. } | Then::Every { .. } | Then::End => self,
        }
    }

    /// Everything is within the bounds, and a repetition happens at least once.
    fn fits(self, (low, high): (i64, i64), backwards: bool) -> bool {
        let within = |value| (low..=high).contains(&value);
        within(self.first)
            && match self.then {
                Then::End => true,
                // Counted from the end of the month, steps lead towards day 1.
                Then::Every { step } if backwards => {
                    step <= high - low && within(self.first - step)
                }
                Then::Every { step } => step <= high - low && within(self.first + step),
                Then::UpTo { last, step } => within(last) && self.first + step <= last,
            }
    }

    /// The end of its range, or a value that stands for nothing. For days from the end of a
    /// month systemd asks the clock for that too, and which of two equal hours the clock shows
    /// depends on what it was asked last.
    fn end(self) -> i64 {
        match self.then {
            Then::UpTo { last, step: _ } => last,
            Then::End | Then::Every { .. } => -1,
        }
    }

    /// All its values are multiples of `unit`.
    fn is_of_whole(self, unit: i64) -> bool {
        let step = match self.then {
            Then::End => 0,
            Then::Every { step } | Then::UpTo { last: _, step } => step,
        };
        self.first % unit == 0 && step % unit == 0
    }

    /// The earliest value from `from` on, where `place` says what a value stands for.
    fn earliest(self, from: i64, place: &mut dyn FnMut(i64) -> Option<i64>) -> Option<i64> {
        let (first, last) = (place(self.first), place(self.end()));
        let first = first?;
        let (first, last, step) = match (self.then, last) {
            (Then::End, _) => (first, Some(first), 1),
            (Then::Every { step }, _) => (first, None, step),
            // Counted from the end, the range's end is the earlier one.
            (Then::UpTo { last: _, step }, Some(last)) => {
                (first.min(last), Some(first.max(last)), step)
            }
            (Then::UpTo { last: _, step }, None) => (first, None, step),
        };
        if first >= from {
            return Some(first);
        }
        let missing = from - first;
        let next = first + missing + (step - missing % step) % step;
        last.is_none_or(|last| next <= last).then_some(next)
    }
}

impl Chain {
    /// Sorted and without doubles; `None` if something leaves the bounds.
    pub fn new(components: Vec<Component>, bounds: (i64, i64)) -> Option<Chain> {
        let Chain(components) = Chain::sorted(components);
        let fits = components.iter().all(|one| one.fits(bounds, false));
        fits.then_some(Chain(components))
    }

    /// Days counted back from the end of a month. Every month has 28 of them; and systemd takes
    /// three more from the bound of each further component.
    pub fn new_backwards(components: Vec<Component>) -> Option<Chain> {
        let Chain(components) = Chain::sorted(components);
        let bounds = (0..).map(|earlier| (1, 28 - 3 * earlier));
        let fits = components
            .iter()
            .zip(bounds)
            .all(|(one, bounds)| one.fits(bounds, true));
        fits.then_some(Chain(components))
    }

    /// Seconds in µs. Beside one that covers each whole second, others of whole seconds go.
    pub fn new_seconds(components: Vec<Component>, bounds: (i64, i64)) -> Option<Chain> {
        let Chain(mut components) = Chain::new(components, bounds)?;
        if components.contains(&EVERY_SECOND) {
            components.retain(|one| *one == EVERY_SECOND || !one.is_of_whole(SECOND));
        }
        Some(Chain(components))
    }

    fn sorted(components: Vec<Component>) -> Chain {
        let components = components.into_iter().map(Component::normalised);
        let mut components: Vec<Component> = components.collect();
        components.sort_unstable();
        components.dedup();
        Chain(components)
    }

    pub fn components(&self) -> &[Component] {
        &self.0
    }

    /// The earliest value from `from` on; `*` is content with `from` itself.
    pub fn earliest(&self, from: i64, mut place: impl FnMut(i64) -> Option<i64>) -> Option<i64> {
        if self.0.is_empty() {
            return Some(from);
        }
        let each = self.0.iter().map(|one| one.earliest(from, &mut place));
        each.flatten().min()
    }
}
