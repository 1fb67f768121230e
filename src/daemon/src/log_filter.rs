//! Which lines of a log are wanted.
use gitproc_core::CommitId;
use gitproc_rpc::api::{LogBytes, LogEntry, LogStream};
use regex::bytes::{Regex, RegexBuilder};

/// Most memory that a pattern may take once it is compiled, in bytes.
const PATTERN_MAX: usize = 1 << 20;

/// What a line must be; a filter that says nothing lets all through.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// µs since the epoch: not before.
    pub since_us: Option<u64>,
    /// µs since the epoch: not after.
    pub until_us: Option<u64>,
    /// Level of syslog(3): of this number or a lower one.
    pub priority: Option<u8>,
    /// Of this stream.
    pub stream: Option<LogStream>,
    /// Matched by this.
    pub grep: Option<Regex>,
    /// Of an invocation whose id begins so.
    pub invocation: Option<String>,
    /// Of an invocation of this commit.
    pub commit: Option<CommitId>,
}

/// The invocation that lines belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogContext {
    /// Its id.
    pub invocation: String,
    /// Its commit; `-`: none.
    pub commit: String,
}

impl LogContext {
    /// Of the bytes of a record that begins one.
    pub fn parse(bytes: &[u8]) -> Option<LogContext> {
        let (invocation, commit) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        Some(LogContext {
            invocation: invocation.to_owned(),
            commit: commit.to_owned(),
        })
    }
}

impl LogFilter {
    /// Whether it lets all through.
    pub fn is_all(&self) -> bool {
        self.since_us.is_none()
            && self.until_us.is_none()
            && self.priority.is_none()
            && self.stream.is_none()
            && self.grep.is_none()
            && !self.asks_for_context()
    }

    /// Whether the invocation of a line decides.
    pub fn asks_for_context(&self) -> bool {
        self.invocation.is_some() || self.commit.is_some()
    }

    /// Whether a line is wanted, which is of the invocation `context`, if that is known.
    pub fn wants(&self, entry: &LogEntry, context: Option<&LogContext>) -> bool {
        let of = |wanted: &dyn Fn(&LogContext) -> bool| context.is_some_and(wanted);
        let bytes = match &entry.message {
            LogBytes::Text(text) => text.as_bytes(),
            LogBytes::Bytes(bytes) => bytes,
        };
        self.since_us.is_none_or(|since| entry.time_us >= since)
            && self.until_us.is_none_or(|until| entry.time_us <= until)
            && self.priority.is_none_or(|most| entry.priority <= most)
            && self.stream.is_none_or(|stream| entry.stream == stream)
            && self
                .invocation
                .as_ref()
                .is_none_or(|id| of(&|context| context.invocation.starts_with(id)))
            && self
                .commit
                .as_ref()
                .is_none_or(|commit| of(&|context| context.commit == commit.0))
            && self.grep.as_ref().is_none_or(|grep| grep.is_match(bytes))
    }
}

/// A pattern, which looks at case only if it has a capital letter itself (as journalctl(1) does it).
pub fn pattern(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .case_insensitive(!text.chars().any(char::is_uppercase))
        .size_limit(PATTERN_MAX)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitproc_unit::UnitName;

    fn entry(text: &[u8]) -> LogEntry {
        LogEntry {
            unit: UnitName::parse("a.service").expect("a name"),
            time_us: 5,
            stream: LogStream::Stdout,
            priority: 4,
            identifier: None,
            partial: false,
            message: LogBytes::Bytes(text.to_vec()),
        }
    }

    #[test]
    fn each_condition_decides() {
        let context = LogContext::parse(b"abcd c0ffee").expect("two words");
        let hello = entry(b"\xff Hello");
        let wants = |filter: LogFilter| filter.wants(&hello, Some(&context));
        assert!(wants(LogFilter::default()) && LogFilter::default().is_all());
        let grep = |text: &str| Some(pattern(text).expect("a pattern"));
        let commit = |text: &str| Some(CommitId(text.to_owned()));
        let with = |change: &dyn Fn(&mut LogFilter)| {
            let mut filter = LogFilter::default();
            change(&mut filter);
            assert!(!filter.is_all());
            wants(filter)
        };
        for (change, wanted) in [
            (
                &(|f: &mut LogFilter| f.since_us = Some(5)) as &dyn Fn(&mut LogFilter),
                true,
            ),
            (&|f| f.since_us = Some(6), false),
            (&|f| f.until_us = Some(5), true),
            (&|f| f.until_us = Some(4), false),
            (&|f| f.priority = Some(4), true),
            (&|f| f.priority = Some(3), false),
            (&|f| f.stream = Some(LogStream::Stdout), true),
            (&|f| f.stream = Some(LogStream::Stderr), false),
            (&|f| f.grep = grep("hel+o$"), true),
            (&|f| f.grep = grep("HELLO"), false),
            (&|f| f.grep = grep("^hello"), false),
            (&|f| f.invocation = Some("abc".to_owned()), true),
            (&|f| f.invocation = Some("bc".to_owned()), false),
            (&|f| f.commit = commit("c0ffee"), true),
            (&|f| f.commit = commit("c0ff"), false),
        ] {
            assert_eq!(with(change), wanted);
        }
        let of_commit = LogFilter {
            commit: commit("c0ffee"),
            ..LogFilter::default()
        };
        assert!(!of_commit.wants(&hello, None), "nobody knows of what it is");
    }

    #[test]
    fn a_pattern_is_of_bounded_size() {
        assert!(pattern("(").is_err());
        assert!(pattern("((a{1000}){1000}){1000}").is_err());
    }
}
