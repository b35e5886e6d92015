#[livinglock::batch(path = "/run/job.lock")]
fn main() {
    let number: u8 = "five";
}

#[livinglock::batch(path = "/run/job.lock")]
fn question_mark() {
    "5".parse::<u8>()?;
}

#[livinglock::batch(path = "/run/job.lock")]
fn wrong_tail() -> Option<u8> {
    "five"
}

#[livinglock::batch(path = "/run/job.lock")]
fn no_tail() -> Result<u8, livinglock::Error> {
    let number = 5;
}

#[livinglock::batch(path = "/run/job.lock", on_busy = 5)]
fn no_tail_either(number: u8) -> u8 {
    number + 1;
}
