//! Free ports.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
};

/// A listener at a port of its own on this address, which nobody gets by chance.
///
/// Port 0 would give one of those that the kernel also lends to outgoing connections. While nobody listens there, it may lend it to
/// somebody else, and whoever tries to connect to it may even be connected with itself. So it is one below those.
///
/// # Panics
///
/// No port is free.
pub(crate) fn listen(address: Ipv4Addr) -> TcpListener {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first_lent = range
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        // Where everything is lent, nothing is better than anything else.
        .filter(|first| *first > LOWEST + 1_000)
        .unwrap_or(u16::MAX);
    (0..TRIES)
        .find_map(|_| TcpListener::bind((address, fastrand::u16(LOWEST..first_lent))).ok())
        .expect("find a free port")
}

/// Below are those of well-known servers.
const LOWEST: u16 = 10_000;

const TRIES: usize = 1_000;

/// A port on loopback at which nobody listens now, and somebody may before long.
pub(crate) fn free() -> u16 {
    let address = listen(Ipv4Addr::LOCALHOST)
        .local_addr()
        .expect("read the address");
    address.port()
}
