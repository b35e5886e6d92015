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
    mode = 0o640,
    name = "literals",
    network_fs = true,
    crate = ::livinglock,
)]
fn main() {}
