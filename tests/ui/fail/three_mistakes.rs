#[livinglock::batch(path = "job.lock", stael = "2h", busy = 300)]
fn main() {}
