#![deny(warnings, clippy::all, clippy::pedantic)]

// The runtime's macro passes the exemption on.
#[tokio::main(flavor = "current_thread")]
#[livinglock::batch(path = std::env::temp_dir().join("livinglock-ui-coverage_tokio.lock"), coverage = "deny")]
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
