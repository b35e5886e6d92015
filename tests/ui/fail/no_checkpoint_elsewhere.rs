fn main() {
    #[livinglock::no_checkpoint]
    for _ in 0..3 {}
    let _ = #[livinglock::no_checkpoint]
    loop {
        break 5;
    };
    job();
}

#[livinglock::batch(path = "/run/job.lock", coverage = "deny")]
fn job() {
    assert!({
        #[livinglock::no_checkpoint]
        loop {
            break true;
        }
    });
}
