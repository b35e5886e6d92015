#![deny(warnings, clippy::all, clippy::pedantic)]

use std::{env, process, time::Duration};

use livinglock::OnStale;

const MINUTE: Duration = Duration::new(60, 0);

mod lock {
    pub use livinglock::*;
}

fn pick<A, B>(first: A, _second: B) -> A {
    first
}

fn longest<I: IntoIterator<Item = T>, T>(times: I, longer: fn(T, T) -> T) -> T {
    times.into_iter().reduce(longer).expect("more than one")
}

#[livinglock::batch(
    path = env::temp_dir().join(format!("livinglock-ui-expressions-{}.lock", process::id())),
    stale = 2 * MINUTE,
    heartbeat = pick::<Duration, u8>(MINUTE / 4, 5),
    wait = Duration::from_millis(400),
    grace = if cfg!(debug_assertions) { MINUTE } else { 2 * MINUTE },
    warn = longest::<_, Duration>([MINUTE, 2 * MINUTE], |a, b| if a > b { a } else { b }),
    busy = 70 + u8::from(1 << 2 < 3),
    quiet = env::var_os("QUIET").is_some(),
    on_stale = OnStale::Report,
    at_most = 6 * MINUTE,
    at_least = Duration::from_millis(u64::from(pick::<u8, u8>(0, 5))),
    replace = env::var_os("REPLACE").is_some(),
    mode = 0o600 | 0o040,
    network_fs = !cfg!(unix),
    graceful = cfg!(unix),
    metrics = env::temp_dir().join("livinglock-ui-expressions.prom"),
    history = format!("{}/livinglock-ui-expressions.jsonl", env::temp_dir().display()),
    name = format!("job {}", process::id()),
    crate = crate::lock,
)]
fn main() {}
