#[livinglock::batch(path = "/run/job.lock", crate = livinglock)]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", crate = "::livinglock")]
fn text() {}

#[livinglock::batch(path = "/run/job.lock", crate = self::lock)]
fn in_a_module() {}
