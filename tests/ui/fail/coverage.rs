#[livinglock::batch(path = "/run/job.lock", coverage = "deny")]
fn main() {
    for _ in 0..3 {}
    while let Some(_) = None::<u8> {}
    'outer: loop {
        for number in [1, 2] {
            livinglock::checkpoint!("number {number}");
            while number > 2 {}
        }
        break 'outer;
    }
    livinglock::checkpoint!();
    let _numbers: Vec<u8> = [1, 2]
        .map(|number| {
            for _ in 0..number {}
            number
        })
        .into();
    inner();

    fn inner() {
        loop {
            break;
        }
    }
    impl Drop for Guard {
        fn drop(&mut self) {
            while false {}
        }
    }
    struct Guard;
}

#[livinglock::batch(path = "/run/job.lock", coverage = "deny", on_busy = 0)]
fn before_the_loop() -> u8 {
    for _ in {
        livinglock::checkpoint!();
        0..3
    } {}
    #[livinglock::no_checkpoint]
    for _ in 0..3 {
        for _ in 0..3 {}
    }
    5
}

#[livinglock::batch(path = "job.lock", stale = "0s", coverage = "deny")]
fn with_other_mistakes() {
    loop {}
}
