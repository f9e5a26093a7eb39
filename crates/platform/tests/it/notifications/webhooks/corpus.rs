//! URLs that lead, in one spelling or another, where nothing may be posted.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Of every network that is not the public internet, its first, last or best known addresses.
const V4: [&str; 36] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.255",
    "0.0.0.0",
    "0.0.0.1",
    "0.255.255.255",
    "10.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "168.63.129.16",
    "192.168.1.1",
    "172.17.0.1",
    "100.100.100.200",
    "127.1.2.3",
];

const V6: [&str; 30] = [
    "::",
    "::1",
    "::2",
    "0:0:0:0:0:0:0:1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "feff::1",
    "fc00::1",
    "fd00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "ff00::1",
    "ff02::1",
    "ff0e::1",
    "100::1",
    "100:0:0:1::1",
    "2001:db8::1",
    "2001:db8:ffff::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff::1",
    "2002::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "64:ff9b:1::1",
    "e000::1",
];

/// Whole texts that are refused for other reasons than their address.
const TEXTS: [&str; 39] = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "data:text/plain,x",
    "javascript:alert(1)",
    "ws://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "/hooks",
    "",
    "https://",
    "https:///",
    "https://:{port}/",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:x/",
    "https://user@example.com/",
    "https://user:word@example.com/",
    "https://:word@example.com/",
    "https://example.com@127.0.0.1:{port}/",
    "https://example.com%40127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@example.com/",
    "https://127.0.0.1:{port}?@example.com/",
    "https://127.0.0.1:{port}\\@example.com/",
    "https:\\\\127.0.0.1:{port}\\",
    "https:127.0.0.1:{port}",
    "https:/127.0.0.1:{port}/",
    "https://\t127.0.0.1:{port}/",
    "https://127.0.\n0.1:{port}/",
    " https://127.0.0.1:{port}/ ",
    "HTTPS://LOCALHOST:{port}/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://a.localhost:{port}/",
    "https://printer.local:{port}/",
    "https://metadata.google.internal:{port}/",
    "https://localhost.localdomain:{port}/",
    "https://[::1%25lo]:{port}/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
];

/// All of them, aimed at `port`.
pub(super) fn refused(port: u16) -> Vec<String> {
    let mut hosts: Vec<String> = V4.iter().flat_map(|text| spellings(text.parse().unwrap())).collect();
    hosts.extend(V6.iter().map(|text| format!("[{text}]")));
    hosts.extend(V6.iter().map(|text| text.parse::<Ipv6Addr>().unwrap()).map(written_out));
    let mut all: Vec<_> = hosts.into_iter().map(|host| format!("https://{host}:{port}/hooks")).collect();
    all.extend(TEXTS.iter().map(|text| text.replace("{port}", &port.to_string())));
    all
}

/// Addresses that a name server may answer with.
pub(super) fn addresses() -> Vec<std::net::IpAddr> {
    let embedded = V4.iter().flat_map(|text| tunnels(text.parse().unwrap())).map(std::net::IpAddr::V6);
    V4.iter().chain(&V6).map(|text| text.parse().unwrap()).chain(embedded).collect()
}

/// The ways in which URLs can write one IPv4 address.
fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let number = u32::from(address);
    let low = u32::from(c) << 8 | u32::from(d);
    let lower = u32::from(b) << 16 | low;
    let wide = |text: &str| {
        text.chars()
            .map(|digit| match digit {
                '.' => '。',
                digit => char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap(),
            })
            .collect::<String>()
    };
    let escaped = address.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let mut all = vec![
        address.to_string(),
        format!("{address}."),
        number.to_string(),
        format!("{number:#x}"),
        format!("{number:#X}").replace("0X", "0x"),
        format!("0{number:o}"),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:#x}.0{b:o}.{c}.{d}"),
        format!("{a}.{b}.{low}"),
        format!("{a}.{lower}"),
        wide(&address.to_string()),
        escaped,
    ];
    all.extend(tunnels(address).into_iter().map(|address| format!("[{address}]")));
    all.push(format!("[::ffff:{address}]"));
    all
}

/// IPv6 addresses that lead to an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo (as server and, inverted, as
/// client), ISATAP.
fn tunnels(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let number = u32::from(address);
    let [high, low] = [(number >> 16) as u16, (number & 0xffff) as u16];
    vec![
        address.to_ipv6_mapped(),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0, 0),
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, high, low),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0x200, 0x5efe, high, low),
    ]
}

fn written_out(address: Ipv6Addr) -> String {
    format!("[{}]", address.segments().map(|segment| format!("{segment:04X}")).join(":"))
}
