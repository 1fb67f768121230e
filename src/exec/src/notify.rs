//! sd_notify(3): what a datagram says.
use gitproc_core::protocol::Notify;

/// Longest STATUS= that is kept, in bytes: one line of `status`.
const STATUS_MAX: usize = 1024;

/// What a datagram says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// For the daemon.
    pub(crate) notify: Notify,
    /// `MAINPID=`
    pub(crate) main_pid: Option<u32>,
    /// For the descriptor store.
    pub(crate) store: StoreWish,
}

/// What is to be done with the descriptors that came along, and with those that are stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoreWish {
    /// `FDSTORE=1`
    pub(crate) store: bool,
    /// `FDSTOREREMOVE=1`
    pub(crate) remove: bool,
    /// `FDNAME=`, as it came.
    pub(crate) name: Option<String>,
    /// Not `FDPOLL=0`.
    pub(crate) poll: bool,
}

impl Default for StoreWish {
    fn default() -> StoreWish {
        StoreWish {
            store: false,
            remove: false,
            name: None,
            poll: true,
        }
    }
}

/// The fields of a datagram that this version knows.
pub(crate) fn parse(datagram: &[u8]) -> Said {
    let Said {
        mut notify,
        mut main_pid,
        mut store,
    } = Said::default();
    for line in datagram.split(|byte| *byte == b'\n') {
        let Some((key, value)) = std::str::from_utf8(line)
            .ok()
            .and_then(|line| line.split_once('='))
        else {
            continue;
        };
        match (key, value) {
            ("READY", "1") => notify.ready = true,
            ("RELOADING", "1") => notify.reloading = true,
            ("STOPPING", "1") => notify.stopping = true,
            ("WATCHDOG", "1") => notify.watchdog = true,
            ("WATCHDOG", "trigger") => notify.watchdog_trigger = true,
            ("WATCHDOG_USEC", number) => notify.watchdog_us = number.parse().ok(),
            ("STATUS", text) => {
                let end = (0..=STATUS_MAX.min(text.len()))
                    .rev()
                    .find(|end| text.is_char_boundary(*end));
                notify.status = Some(text[..end.unwrap_or(0)].to_owned());
            }
            ("ERRNO", number) => notify.errno = number.parse().ok(),
            ("EXTEND_TIMEOUT_USEC", number) => notify.extend_timeout_us = number.parse().ok(),
            ("MONOTONIC_USEC", number) => notify.monotonic_us = number.parse().ok(),
            ("MAINPID", number) => main_pid = number.parse().ok(),
            ("FDSTORE", "1") => store.store = true,
            ("FDSTOREREMOVE", "1") => store.remove = true,
            ("FDNAME", name) => store.name = Some(name.to_owned()),
            ("FDPOLL", "0") => store.poll = false,
            _ => {}
        }
    }
    Said {
        notify,
        main_pid,
        store,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_read_and_others_are_not() {
        let Said {
            notify,
            main_pid,
            store,
        } = parse(b"READY=1\nSTATUS=up \xc3\xa9\nX=y\nnonsense\nMAINPID=42\nERRNO=x\nSTOPPING=0");
        let status = Some("up é".to_owned());
        assert_eq!(
            notify,
            Notify {
                ready: true,
                status,
                ..Notify::default()
            }
        );
        assert_eq!(main_pid, Some(42));
        assert_eq!(store, StoreWish::default());
    }

    #[test]
    fn descriptors_are_stored_by_name_and_watched_unless_told_otherwise() {
        let wish = |text: &str| parse(text.as_bytes()).store;
        let name = Some("a".to_owned());
        let stored = wish("FDSTORE=1\nFDNAME=a\nFDPOLL=0");
        let expected = StoreWish {
            store: true,
            poll: false,
            name: name.clone(),
            ..StoreWish::default()
        };
        assert_eq!(stored, expected);
        let removed = wish("FDSTOREREMOVE=1\nFDNAME=a\nFDPOLL=1");
        let expected = StoreWish {
            remove: true,
            name,
            ..StoreWish::default()
        };
        assert_eq!(removed, expected);
    }

    #[test]
    fn a_long_status_is_cut_at_a_character() {
        let text = format!("STATUS={}", "é".repeat(STATUS_MAX));
        let status = parse(text.as_bytes()).notify.status.expect("set");
        assert_eq!(status, "é".repeat(STATUS_MAX / 2));
    }
}
