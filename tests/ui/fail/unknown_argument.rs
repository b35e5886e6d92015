#[livinglock::batch(pth = "/run/job.lock")]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", timeout = "2h")]
fn job() {}
