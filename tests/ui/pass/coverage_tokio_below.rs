#![deny(warnings, clippy::all, clippy::pedantic)]

// The exemption is gone before the runtime's macro sees it.
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-coverage_tokio_below.lock"), coverage = "deny")]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut turns = 0;
    #[livinglock::no_checkpoint]
    while turns < 3 {
        tokio::task::yield_now().await;
        turns += 1;
    }
    for turn in 0..turns {
        livinglock::checkpoint!("turn {turn}");
        tokio::task::yield_now().await;
    }
    let five = #[livinglock::no_checkpoint]
    loop {
        turns += 1;
        if turns == 5 {
            break turns;
        }
    };
    assert_eq!(five, 5);
}
