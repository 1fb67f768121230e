//! One field of an expression: `*`, or values, ranges and repetitions (`1..5/2,10/3`).

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
    fn fits(self, low: i64, high: i64, backwards: bool) -> bool {
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

    /// The earliest value from `from` on, where `place` says what a value stands for.
    fn earliest(self, from: i64, place: &mut dyn FnMut(i64) -> Option<i64>) -> Option<i64> {
        let first = place(self.first)?;
        let (first, last, step) = match self.then {
            Then::End => (first, Some(first), 1),
            Then::Every { step } => (first, None, step),
            Then::UpTo { last, step } => match place(last) {
                // Counted from the end, the range's end is the earlier one.
                Some(last) => (first.min(last), Some(first.max(last)), step),
                None => (first, None, step),
            },
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
    /// `backwards`: values count from the end of a month.
    pub fn new(
        components: Vec<Component>,
        (low, high): (i64, i64),
        backwards: bool,
    ) -> Option<Chain> {
        let mut components: Vec<Component> =
            components.into_iter().map(Component::normalised).collect();
        components.sort_unstable();
        components.dedup();
        let fits = components.iter().all(|one| one.fits(low, high, backwards));
        fits.then_some(Chain(components))
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
