#[path = "../runtime.rs"]
mod runtime;

#[livinglock::batch(crate = crate::runtime, path = 3 + 4)]
fn main() {}

#[livinglock::batch(crate = crate::runtime, path = "/run/job.lock", stale = 60 * 60)]
fn stale() {}

#[livinglock::batch(crate = crate::runtime, path = "/run/job.lock", name = 'x'.len_utf8())]
fn name() {}

#[livinglock::batch(crate = crate::runtime, path = "/run/job.lock", on_busy = "five")]
fn on_busy() -> u8 {
    5
}

