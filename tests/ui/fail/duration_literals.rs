#[livinglock::batch(path = "/run/job.lock", stale = "2 hrs of")]
fn words() {}

#[livinglock::batch(path = "/run/job.lock", stale = 7200)]
fn no_unit() {}

#[livinglock::batch(path = "/run/job.lock", stale = "0s")]
fn zero() {}

#[livinglock::batch(path = "/run/job.lock", heartbeat = "0s", warn = "0m")]
fn zeros() {}

#[livinglock::batch(path = "/run/job.lock", wait = "99999999999999999999s")]
fn overflow() {}

#[livinglock::batch(path = "/run/job.lock", grace = "101 weeks 99999d")]
fn too_large() {}

#[livinglock::batch(path = "/run/job.lock", stale = "1M")]
fn month() {}

fn main() {}
