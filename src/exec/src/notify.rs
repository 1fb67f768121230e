//! sd_notify(3): what a datagram says.
use gitproc_core::protocol::Notify;

/// Longest STATUS= that is kept, in bytes: one line of `status`.
const STATUS_MAX: usize = 1024;

/// The fields of a datagram that this version knows, and MAINPID=, which is for the helper itself.
pub(crate) fn parse(datagram: &[u8]) -> (Notify, Option<u32>) {
    let mut notify = Notify::default();
    let mut main_pid = None;
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
            _ => {}
        }
    }
    (notify, main_pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_read_and_others_are_not() {
        let (notify, main) =
            parse(b"READY=1\nSTATUS=up \xc3\xa9\nX=y\nnonsense\nMAINPID=42\nERRNO=x\nSTOPPING=0");
        let status = Some("up é".to_owned());
        assert_eq!(
            notify,
            Notify {
                ready: true,
                status,
                ..Notify::default()
            }
        );
        assert_eq!(main, Some(42));
    }

    #[test]
    fn a_long_status_is_cut_at_a_character() {
        let text = format!("STATUS={}", "é".repeat(STATUS_MAX));
        let status = parse(text.as_bytes()).0.status.expect("set");
        assert_eq!(status, "é".repeat(STATUS_MAX / 2));
    }
}
