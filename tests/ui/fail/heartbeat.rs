#[livinglock::batch(path = "/run/job.lock", stale = "2m", heartbeat = "1m")]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", heartbeat = "30m")]
fn against_the_default() {}
