struct Failed;

#[livinglock::batch(path = "/run/job.lock")]
fn job() -> Result<(), Failed> {
    Err(Failed)
}

fn main() {}
