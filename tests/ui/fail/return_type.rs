#[livinglock::batch(path = "/run/job.lock")]
fn number() -> u8 {
    5
}

#[livinglock::batch(path = "/run/job.lock")]
fn never() -> ! {
    loop {}
}

#[livinglock::batch(path = "/run/job.lock")]
fn tuple() -> (Option<u8>, u8)
where
    u8: Copy,
{
    (None, 5)
}

fn main() {}
