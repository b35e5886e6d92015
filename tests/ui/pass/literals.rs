#![deny(warnings, clippy::all, clippy::pedantic)]

#[livinglock::batch(
    path = "/tmp/livinglock-ui-literals.lock",
    stale = "2h 30m",
    heartbeat = "5m",
    wait = "30s",
    grace = "0s",
    warn = "400ms",
    busy = 75,
    quiet,
    on_stale = "report",
    at_most = "6h",
    at_least = "0s",
    replace = false,
    mode = 0o640,
    network_fs = true,
    graceful,
    name = "literals",
    crate = ::livinglock,
)]
fn main() {}
