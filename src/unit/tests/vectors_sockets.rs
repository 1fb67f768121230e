//! Addresses and rules of sockets, against what systemd 252 makes of the same texts.
mod table;

use gitproc_unit::value;
use table::{check, same};

#[test]
fn addresses_to_listen_on() {
    check(include_str!("vectors/socket-address.tsv"), |row| {
        let text = row.text("text");
        let got = match row.text("directive").as_str() {
            "listen" => value::parse_socket_address(&text),
            _ => value::parse_netlink_address(&text),
        };
        let outcome = match &got {
            Ok(_) => "ok",
            Err(_) if row.text("outcome") == "refused" => "refused",
            Err(err) if err.0.contains("out of range") => "range",
            Err(_) => "form",
        };
        same(outcome.to_owned(), row.text("outcome"))?;
        let family = got
            .as_ref()
            .ok()
            .map(|address| address.family().to_string());
        same(family, row.option("family"))?;
        match (got, row.option("shown")) {
            (Ok(address), Some(shown)) => same(address.to_string(), shown),
            (_, _) => Ok(()),
        }
    });
}

/// What systemd 252 shows of sockets with a single such line; what it ignored is absent.
#[test]
fn lines_of_listening() {
    check(include_str!("vectors/listen-lines.tsv"), |row| {
        let got = value::parse_listen(&row.text("key"), &row.text("text"));
        same(
            got.ok().map(|address| address.to_string()),
            row.option("shown"),
        )
    });
}

#[test]
fn endpoints() {
    check(include_str!("vectors/socket-endpoint.tsv"), |row| {
        let got = value::parse_endpoint(&row.text("text"));
        let mut endpoint = got.map_err(|err| err.to_string())?;
        same(
            if endpoint.ip.is_ipv4() { 2 } else { 10 },
            row.number("family"),
        )?;
        same(endpoint.port.map_or(0, u64::from), row.number("port"))?;
        // The table's host has one named interface.
        let interface = endpoint.scope.map(|scope| match scope.as_str() {
            "lo" => "1".to_owned(),
            _ => scope,
        });
        same(interface.as_deref().unwrap_or("0"), &row.text("interface"))?;
        same(&endpoint.server, &row.option("server"))?;
        endpoint.scope = interface;
        same(endpoint.to_string(), row.text("shown"))
    });
}

#[test]
fn rules_for_binding() {
    // A rule that is refused has no numbers.
    check(include_str!("vectors/socket-bind.tsv"), |row| {
        let got = value::parse_socket_bind(&row.text("text"))
            .ok()
            .map(|rule| {
                let first = [rule.family, rule.protocol].map(|number| number.to_string());
                let last = [rule.ports, rule.first_port].map(|number| number.to_string());
                [first, last].concat()
            });
        same(got.unwrap_or_default(), row.list("rule"))
    });
}
