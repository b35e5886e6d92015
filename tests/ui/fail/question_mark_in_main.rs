#[livinglock::batch(path = "/run/job.lock")]
fn main() {
    "5".parse::<u8>()?;
}
