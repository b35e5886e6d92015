#[livinglock::batch(path = "/run/job.lock", coverage = "deny")]
fn main() {
    #[livinglock::no_checkpoint]
    let numbers = [1, 2];
    for _ in numbers {
        livinglock::checkpoint!();
        #[livinglock::no_checkpoint]
        if numbers[0] == 3 {}
    }
    #[livinglock::no_checkpoint("it ends soon")]
    for _ in numbers {}
}

#[livinglock::batch(path = "/run/job.lock")]
fn without_coverage() {
    #[livinglock::no_checkpoint]
    fn inner() {}
    inner();
}

#[livinglock::batch(path = "/run/job.lock", coverage = "deny")]
#[livinglock::no_checkpoint]
fn whole_function() {
    loop {
        livinglock::checkpoint!();
    }
}

#[livinglock::no_checkpoint]
fn without_batch() {
    loop {}
}

#[livinglock::no_checkpoint]
struct Structure;
