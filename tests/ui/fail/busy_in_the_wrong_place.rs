#[livinglock::batch(path = "/run/job.lock", on_busy = ())]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", busy = 75)]
fn job() {}
