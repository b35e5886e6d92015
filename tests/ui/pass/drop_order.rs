// Everything in the body is dropped before the guard: its locals, and the temporaries of its last expression, which in the 2021
// edition live until the end of the block.

#[path = "../runtime.rs"]
mod runtime;

use runtime::{EVENTS, tell};

struct Noisy(&'static str);

impl Noisy {
    fn number(&self) -> Option<usize> {
        self.0.len().checked_sub(1)
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        tell(self.0);
    }
}

#[livinglock::batch(path = "/a", crate = crate::runtime)]
fn tail() -> Option<usize> {
    let _local = Noisy("local");
    Noisy("temporary").number()
}

#[livinglock::batch(path = "/b", crate = crate::runtime)]
fn early() -> Option<usize> {
    let _local = Noisy("local");
    if Noisy("temporary").number()? > 5 {
        return None;
    }
    unreachable!();
}

#[livinglock::batch(path = "/c", crate = crate::runtime, on_busy = None)]
fn tail_with_on_busy() -> Option<usize> {
    let _local = Noisy("local");
    Noisy("temporary").number()
}

fn main() {
    for job in [tail, early, tail_with_on_busy] {
        job();
        let events = EVENTS.take();
        assert_eq!(events.len(), 4, "{events:?}");
        assert_eq!(
            events.last().map(String::as_str),
            Some("released"),
            "{events:?}"
        );
    }
}
