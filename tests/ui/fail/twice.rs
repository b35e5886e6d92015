#[livinglock::batch(path = "/run/job.lock")]
#[inline]
#[livinglock::batch(path = "/run/other.lock")]
fn main() {}
