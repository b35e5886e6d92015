#[livinglock::batch(path = "/run/job.lock", coverage = "warn")]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", coverage = true)]
fn switch() {}

#[livinglock::batch(path = "/run/job.lock", coverage = if cfg!(debug_assertions) { "off" } else { "deny" })]
fn expression() {}

#[livinglock::batch(path = "/run/job.lock", coverage)]
fn alone() {}
