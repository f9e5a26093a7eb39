//! Ports for programs that are told where to listen, and for services that come back where they were.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the kernel gives to connections: nobody is given one of them between this look and the start, not
/// even whoever asks over and over whether the program listens yet, which can end up connected to itself.
const LOWEST: u16 = 20_000;
const PORTS: u16 = 12_000;

/// At random, so that two processes seldom begin at the same.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let random = RandomState::new().build_hasher().finish() % u64::from(PORTS);
    AtomicU16::new(u16::try_from(random).unwrap_or(0))
});

/// One that nobody uses, given to nobody else in this process.
pub fn free() -> SocketAddr {
    consecutive(1)
}

/// The first of so many of these in a row.
pub fn consecutive(many: u16) -> SocketAddr {
    loop {
        let first = LOWEST + NEXT.fetch_add(many, Ordering::Relaxed) % PORTS;
        let is_free = |number| TcpListener::bind((Ipv4Addr::LOCALHOST, first + number)).is_ok();
        if (0..many).all(is_free) {
            return (Ipv4Addr::LOCALHOST, first).into();
        }
    }
}
