#[livinglock::batch(path = "/run/job.lock")]
fn main() {
    let number: u8 = if true {
        #[livinglock::no_checkpoint]
        for text in ["one"] {
            let _: u8 = text;
        }
        undefined
    } else {
        #[livinglock::no_checkpoint]
        while 5 {}
    };
}

#[livinglock::batch(path = "/run/job.lock", on_busy = 0)]
fn nothing_at_the_end() -> u8 {
    #[livinglock::no_checkpoint]
    for _ in 0..3 {}
}
