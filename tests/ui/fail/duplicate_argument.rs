#[livinglock::batch(path = "/run/job.lock", quiet, path = "/run/other.lock")]
fn main() {}
