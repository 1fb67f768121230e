//! Sets of CPUs and of memory nodes: `0-3,8 10`.
use super::list::{Split, each_word};
use super::{ValueError, parse_range};
use std::fmt;

/// Greatest number of a CPU, plus one: what the largest kernels are built for.
const CPUS_MAX: u32 = 8192;
/// systemd hands sets around in words of this many bits.
const WORD_BITS: u32 = 64;

/// A set of CPUs, or of nodes. A set that was named but has no member (`3-0`) is not the same as
/// one that was never named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuSet {
    words: Vec<u64>,
}

impl CpuSet {
    /// Whether nobody has named the set.
    pub fn is_unset(&self) -> bool {
        self.words.is_empty()
    }

    /// The members, in order.
    pub fn members(&self) -> impl Iterator<Item = u32> + '_ {
        (0..).zip(&self.words).flat_map(|(at, word)| {
            (0..WORD_BITS).filter_map(move |bit| {
                let member = at * WORD_BITS + bit;
                (word >> bit & 1 == 1).then_some(member)
            })
        })
    }

    /// One bit for each CPU, from the lowest bit of the first byte; whole words of 8 bytes (`ay`
    /// in systemd's properties).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect()
    }

    /// The set as one line of a directive.
    pub fn to_line(&self) -> String {
        match !self.is_unset() && self.members().next().is_none() {
            // Named without a member, which only swapped ends can say.
            true => "1-0".into(),
            false => self.to_string(),
        }
    }

    /// Makes room for `cpu`.
    fn reach(&mut self, cpu: u32) -> usize {
        let at = usize::try_from(cpu / WORD_BITS).expect("CPUS_MAX is small");
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        at
    }

    fn insert(&mut self, cpu: u32) {
        let at = self.reach(cpu);
        self.words[at] |= 1 << (cpu % WORD_BITS);
    }

    /// Word by word: a line may name all CPUs many times.
    fn insert_range(&mut self, low: u32, high: u32) {
        let (first, last) = (self.reach(low), self.reach(high));
        for (at, word) in self.words[first..=last].iter_mut().enumerate() {
            let from = if at == 0 { low % WORD_BITS } else { 0 };
            let to = match first + at == last {
                true => high % WORD_BITS,
                false => WORD_BITS - 1,
            };
            *word |= u64::MAX << from & u64::MAX >> (WORD_BITS - 1 - to);
        }
    }
}

/// Members as ranges: `0-3 8`.
impl fmt::Display for CpuSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for cpu in self.members() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == cpu => *last = cpu,
                Some(_) | None => ranges.push((cpu, cpu)),
            }
        }
        for (at, (first, last)) in ranges.into_iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            match first == last {
                true => write!(out, "{space}{first}")?,
                false => write!(out, "{space}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Adds one line of `AllowedCPUs=`, `CPUAffinity=` or their kin to the set so far; an empty line
/// resets. A line with a wrong word leaves the set alone; a range whose ends are swapped is empty.
pub fn apply_cpu_set(set: &mut CpuSet, text: &str) -> Result<(), ValueError> {
    let mut named = CpuSet::default();
    let mut swapped = Ok(());
    each_word(&text.replace(',', " "), Split::Unescaped, |word| {
        let (low, high) = parse_range(word)?;
        if low > high {
            named.reach(0);
            swapped = Err(ValueError(format!(
                "the ends of range '{word}' are swapped"
            )));
        } else if high >= CPUS_MAX {
            return Err(ValueError::beyond(word, "CPU (0 to 8191)"));
        } else {
            named.insert_range(low, high);
        }
        Ok(())
    })?;
    if named.is_unset() || set.is_unset() {
        *set = named;
    } else {
        named.members().for_each(|cpu| set.insert(cpu));
    }
    swapped
}

/// Adds one line of `NUMAMask=` to the set of nodes so far; `all` is every node of the host,
/// whose last one is `last_node`.
pub fn apply_node_set(set: &mut CpuSet, text: &str, last_node: u32) -> Result<(), ValueError> {
    if text == "all" {
        (0..=last_node.min(CPUS_MAX - 1)).for_each(|node| set.insert(node));
        return Ok(());
    }
    apply_cpu_set(set, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(lines: &[&str]) -> CpuSet {
        let mut set = CpuSet::default();
        for line in lines {
            let _ = apply_cpu_set(&mut set, line);
        }
        set
    }

    #[test]
    fn folds_lines() {
        for (lines, ranges) in [
            (&["0-3,8 10"][..], "0-3 8 10"),
            (&["1 3", "4"], "1 3-4"),
            (&["1", ""], ""),
            (&["1", "x", "2 8192", "0-9999999"], "1"),
            (&["'0-1' 0x10"], "0-1 16"),
            (&["63-64"], "63-64"),
            (&["0-63"], "0-63"),
            (&["5-200 64-127 300"], "5-200 300"),
            (&["0-8191"], "0-8191"),
        ] {
            assert_eq!(fold(lines).to_string(), ranges, "{lines:?}");
        }
    }

    #[test]
    fn shows_bytes_of_whole_words() {
        assert_eq!(fold(&["0-3"]).to_bytes(), [15, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(fold(&["9 64"]).to_bytes().len(), 16);
        assert_eq!(fold(&["3-0"]).to_bytes(), [0; 8]);
        assert!(fold(&["1", ""]).to_bytes().is_empty());
        assert!(!fold(&["3-0"]).is_unset());
    }

    #[test]
    fn all_nodes_are_the_hosts() {
        let mut set = CpuSet::default();
        assert_eq!(apply_node_set(&mut set, "all", 1), Ok(()));
        assert_eq!(apply_node_set(&mut set, "4", 1), Ok(()));
        assert_eq!(set.to_string(), "0-1 4");
    }
}
