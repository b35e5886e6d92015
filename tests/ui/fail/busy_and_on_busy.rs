#[livinglock::batch(path = "/run/job.lock", busy = 75, on_busy = false)]
fn job() -> bool {
    true
}

fn main() {}
