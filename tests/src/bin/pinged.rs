//! A batch that ends with a status of its own, or locks a function, and pings.

use std::{
    env,
    process::ExitCode,
    sync::LazyLock,
    time::{Duration, Instant},
};

use livinglock::checkpoint;
use livinglock_tests::Part;

static PART: LazyLock<Part> = LazyLock::new(Part::of_this_process);

#[livinglock::batch(path = PART.lock(), ping = env::var("PING_URL").unwrap_or_default())]
fn main() -> Result<ExitCode, String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    checkpoint!(done = 3, total = 7, "unit 3");
    match arguments[..] {
        ["status", status] => Ok(ExitCode::from(status.parse::<u8>().expect("a status"))),
        ["error"] => Err("on purpose".to_owned()),
        ["function", file] => {
            let begun = Instant::now();
            function();
            PART.note("function", &begun.elapsed().as_millis().to_string());
            PART.wait_for(file);
            Ok(ExitCode::SUCCESS)
        }
        ["failing", file] => {
            failing().expect_err("it always fails");
            PART.wait_for(file);
            Ok(ExitCode::SUCCESS)
        }
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// It pings by itself.
#[livinglock::batch(
    path = PART.scene().join("inner"),
    stale = Duration::from_secs(60),
    ping = env::var("PING_URL_OF_THE_FUNCTION").unwrap_or_default()
)]
fn function() {
    checkpoint!("in the function");
}

/// So does this, and never succeeds.
#[livinglock::batch(
    path = PART.scene().join("failing"),
    ping = env::var("PING_URL_OF_THE_FUNCTION").unwrap_or_default()
)]
fn failing() -> Result<(), Box<dyn std::error::Error>> {
    checkpoint!("in the function");
    Err("on purpose")?
}
