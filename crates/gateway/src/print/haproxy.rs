//! HAProxy 2.6 and later. The split is bit for bit that of [`crate::split`], so nobody moves when a gateway of ours takes
//! its place or the other way round.

use std::fmt::{self, Write as _};

use super::{IDENTITY, Named, Options, Unprintable, authority, plain_regex, refuse};
use crate::control::state::Shown;
use crate::forced::{Side, Whom};
use crate::haproxy::Address;
use crate::haproxy::threshold::{Lease, POSITION_BYTES};
use crate::haproxy::told::{FORMAT, STREAM};
use crate::routes::Table;
use crate::split::prefix;

const INTRODUCTION: &str = "\
# HAProxy 2.6 or later, built with OpenSSL. Moves people between the old services and the new one.
#
# Who somebody is: the user of their token, else its tenant, else their address. Signatures are not checked here: whoever
# forges a token chooses a side, nothing else. A hash of it is the position, which never changes. Whoever's position is
# below the threshold of the family is on the new side, so nobody leaves it while the share grows.
#
# The thresholds are entries of a map, each with the second its lease ends and the threshold from then on. `gateway drive
# haproxy` changes them while HAProxy runs; if it dies, HAProxy goes back by itself. Make the map before the first start:
#   pyairtable-platform gateway print haproxy-map --routes ROUTES --share 0 > MAP
#
# Limits: TLS is yours to add to `bind`. Old services that need X-User-ID from the gateway get none from here.
# HAProxy must run on the same time as the driver. A connection that has become a web socket stays where it is.
";

/// A map with the share as a confirmed one.
pub(super) fn map(routes: &[Named<'_>], options: &Options) -> String {
    let shown = Shown { share: options.share, safe: options.share, frozen: false, lease_seconds: None };
    let lease = Lease::new(&shown, jiff::Timestamp::UNIX_EPOCH);
    let mut families: Vec<&str> =
        routes.iter().filter(|named| named.has_both()).map(|named| &*named.route.family).collect();
    families.sort_unstable();
    families.dedup();
    families.iter().fold(String::new(), |map, family| map + &format!("{family} {lease}\n"))
}

pub(super) fn print(table: &Table, routes: &[Named<'_>], options: &Options) -> Result<String, Unprintable> {
    let map = &options.map;
    if map.contains(|c: char| c.is_whitespace() || "\"'\\#$,()".contains(c)) {
        let why = format!("the map {map:?} cannot be named in a command: choose a path without special characters");
        return refuse(why);
    }
    let told = options.measure.to_string();
    if told.contains(|c: char| c.is_whitespace() || "\"'\\#$,".contains(c)) {
        let why =
            format!("{told:?} cannot be named in HAProxy's configuration: choose a path without special characters");
        return refuse(why);
    }
    if table.splitter.seed().contains('\0') {
        return refuse("the seed has a zero byte, which HAProxy cannot hash: choose another one");
    }
    let mut out = String::from(INTRODUCTION);
    // Writing to a string does not fail.
    let _ = measure(&mut out, &options.measure);
    let _ = frontend(&mut out, table, routes, options);
    for named in routes {
        for (side, name, _) in named.sides() {
            let _ = backend(&mut out, named, side, &name);
        }
    }
    Ok(out)
}

/// Where lines wait for the driver.
const RING: &str = "pyairtable_measure";

fn measure(out: &mut String, address: &Address) -> fmt::Result {
    writeln!(
        out,
        "\n# The driver is told of each request, so that its gates can compare the sides. Nobody waits for it."
    )?;
    writeln!(out, "ring {RING}")?;
    writeln!(out, "    format raw")?;
    writeln!(out, "    maxlen 2048")?;
    writeln!(out, "    size 1048576")?;
    writeln!(out, "    timeout connect 1s")?;
    writeln!(out, "    timeout server 10s")?;
    let address = match address {
        Address::Unix(path) => format!("unix@{}", path.display()),
        Address::Tcp(address) => address.clone(),
    };
    writeln!(out, "    server driver {address} log-proto octet-count")
}

fn frontend(out: &mut String, table: &Table, routes: &[Named<'_>], options: &Options) -> fmt::Result {
    writeln!(out, "\nfrontend pyairtable")?;
    writeln!(out, "    mode http")?;
    writeln!(out, "    bind :{}", options.port)?;
    writeln!(out, "    timeout client 75s")?;
    writeln!(out, "    timeout http-request 10s")?;
    writeln!(
        out,
        "    # At a reload nobody's idle connection is closed under their next request; that one is the last the old process decides."
    )?;
    writeln!(out, "    option idle-close-on-response")?;
    writeln!(out, "    log ring@{RING} format raw local0")?;
    writeln!(out, "    option logasap")?;
    writeln!(out, "    no option dontlog-normal")?;
    writeln!(out, "    log-format \"{FORMAT}\"")?;
    for asks in ["req.hdr(accept) -m sub -i text/event-stream", "req.hdr(upgrade) -m found"] {
        writeln!(out, "    http-request set-var(txn.stream) str({STREAM}) if {{ {asks} }}")?;
    }
    writeln!(out, "    http-request deny deny_status 404 if {{ path,url_dec -m reg -i ^/+internal(/|$) }}")?;
    writeln!(out, "    http-request deny deny_status 400 if {{ path,url_dec -m reg (^|/)[.][.]?(/|$) }}")?;
    writeln!(out, "    # What a client says about who it is. If something in front sets these, remove the lines.")?;
    for header in IDENTITY {
        writeln!(out, "    http-request del-header {header}")?;
    }
    writeln!(out, "    http-request set-header x-forwarded-for %[src]")?;
    which_route(out, routes)?;
    who(out, table.splitter.seed())?;
    which_side(out, table, routes, &options.map)?;
    for named in routes {
        for (side, name, _) in named.sides() {
            let (route, side) = (&named.name, side.name());
            writeln!(
                out,
                "    use_backend {name} if {{ var(txn.route) -m str {route} }} {{ var(txn.side) -m str {side} }}"
            )?;
        }
    }
    writeln!(out, "    http-response set-header x-gateway-side %[var(txn.side)]")
}

fn which_route(out: &mut String, routes: &[Named<'_>]) -> fmt::Result {
    writeln!(out, "    # Which route. The longest path comes first.")?;
    for (place, named) in routes.iter().enumerate() {
        // A longer path must not be overwritten by a shorter one.
        let unless = if place == 0 { "" } else { " !{ var(txn.route) -m found }" };
        let (name, regex) = (&named.name, named.regex());
        writeln!(out, "    http-request set-var(txn.route) str({name}) if {{ path -m reg -i ^{regex} }}{unless}")?;
    }
    writeln!(out, "    http-request deny deny_status 404 if !{{ var(txn.route) -m found }}")?;
    for named in routes.iter().filter(|named| named.has_both()) {
        let (name, family) = (&named.name, &named.route.family);
        writeln!(out, "    http-request set-var(txn.family) str({family}) if {{ var(txn.route) -m str {name} }}")?;
    }
    Ok(())
}

fn who(out: &mut String, seed: &str) -> fmt::Result {
    let key: String = prefix(seed).bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    writeln!(out, "    # Who, and where they stand.")?;
    writeln!(out, "    http-request set-var(txn.client) src")?;
    for (variable, claim) in [("user", "user_id"), ("user", "sub"), ("tenant", "tenant_id")] {
        let unless = if claim == "sub" { " if !{ var(txn.user),length gt 0 }" } else { "" };
        writeln!(
            out,
            "    http-request set-var(txn.{variable}) http_auth_bearer,jwt_payload_query('$.{claim}'){unless}"
        )?;
    }
    writeln!(out, "    http-request set-var(txn.key) bin({key}),concat(a,txn.client)")?;
    for (kind, variable) in [("t", "tenant"), ("u", "user")] {
        let known = format!("if {{ var(txn.{variable}),length gt 0 }}");
        writeln!(out, "    http-request set-var(txn.key) bin({key}),concat({kind},txn.{variable}) {known}")?;
    }
    let bytes = POSITION_BYTES;
    writeln!(out, "    http-request set-var(txn.position) var(txn.key),sha2(256),bytes(0,{bytes}),be2dec(,{bytes})")
}

fn which_side(out: &mut String, table: &Table, routes: &[Named<'_>], map: &str) -> fmt::Result {
    let on_lease = "if { var(txn.until),sub(txn.now) gt 0 }";
    let is_below = "if { var(txn.position),sub(txn.threshold) lt 0 }";
    writeln!(out, "    # On which side. Without an entry in the map, on the old one.")?;
    writeln!(out, "    http-request set-var(txn.now) date()")?;
    writeln!(out, "    http-request set-var(txn.lease) var(txn.family),map_str({map},0:0:0)")?;
    writeln!(out, "    http-request set-var(txn.until) var(txn.lease),field(2,:)")?;
    writeln!(out, "    http-request set-var(txn.threshold) var(txn.lease),field(3,:)")?;
    writeln!(out, "    http-request set-var(txn.threshold) var(txn.lease),field(1,:) {on_lease}")?;
    writeln!(out, "    http-request set-var(txn.side) str(legacy)")?;
    writeln!(out, "    http-request set-var(txn.side) str(platform) {is_below}")?;
    // The last one counts: a person's rule before their tenant's, a header's before both, and the only side before all.
    let mut rules: Vec<_> = table.forced.iter().collect();
    rules.sort_by_key(|(whom, _)| match whom {
        Whom::Tenant(_) => 0,
        Whom::User(_) => 1,
        Whom::Header(..) => 2,
    });
    for (whom, side) in rules {
        let condition = match whom {
            Whom::Tenant(id) => format!("var(txn.tenant) -m str {}", quoted(id)),
            Whom::User(id) => format!("var(txn.user) -m str {}", quoted(id)),
            Whom::Header(name, value) => format!("req.fhdr({name}) -m str {}", quoted(value)),
        };
        writeln!(out, "    http-request set-var(txn.side) str({}) if {{ {condition} }}", side.name())?;
    }
    for named in routes.iter().filter(|named| !named.has_both()) {
        for (side, _, _) in named.sides() {
            let (route, side) = (&named.name, side.name());
            writeln!(out, "    http-request set-var(txn.side) str({side}) if {{ var(txn.route) -m str {route} }}")?;
        }
    }
    Ok(())
}

fn backend(out: &mut String, named: &Named<'_>, side: Side, name: &str) -> fmt::Result {
    let Some(group) = named.group(side) else { return Ok(()) };
    writeln!(out, "\nbackend {name}")?;
    writeln!(out, "    mode http")?;
    writeln!(out, "    balance roundrobin")?;
    writeln!(out, "    timeout connect 1s")?;
    writeln!(out, "    # Tried again at once if there is another server, after a second if not.")?;
    writeln!(out, "    option redispatch 1")?;
    writeln!(out, "    timeout server {}s", named.route.timeout.as_secs())?;
    writeln!(out, "    timeout tunnel 1h")?;
    writeln!(out, "    option httpchk GET {}", group.health)?;
    writeln!(out, "    http-check expect rstatus ^2")?;
    if let Some(strip) = &group.strip {
        let regex = plain_regex(strip);
        writeln!(out, "    http-request set-path %[path,regsub(^{regex},,i)] if {{ path_beg -i {strip}/ }}")?;
        writeln!(out, "    http-request set-path / if {{ path -i {strip} }}")?;
    }
    // Connections that are refused say more than three checks, and gates look at servers. The old side is not left for it.
    let observed = match side {
        Side::Platform => " observe layer4 error-limit 3 on-error mark-down",
        Side::Legacy => "",
    };
    for (number, instance) in (1..).zip(&group.instances) {
        let side = side.name();
        // A name that cannot be looked up yet must not keep HAProxy from starting.
        writeln!(
            out,
            "    server {side}{number} {} check inter 1s fall 3 rise 2{observed} init-addr last,libc,none",
            authority(instance)
        )?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| if c == '\'' { "'\\''".to_owned() } else { c.to_string() }).collect();
    format!("'{escaped}'")
}
