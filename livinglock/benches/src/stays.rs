//! Stays in a scope, entered by a call or with every poll of a future, and what runtimes have for the same.

use std::{
    cell::Cell,
    future::poll_fn,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use livinglock::Error;

use crate::{places::lock, timed};

/// What is done in each stay.
pub type Work = fn();

/// A way to go somewhere and back, so many times; the time is that of all of them, without a lock that is taken before.
#[derive(Clone, Copy, Debug)]
pub struct Stay {
    /// For a table.
    pub name: &'static str,
    /// For an argument.
    pub slug: &'static str,
    /// Goes there this often.
    pub run: fn(u64, Work) -> Result<Duration, Error>,
}

/// By a call, the first one to nowhere.
pub const CALLS: [Stay; 3] = [
    Stay {
        name: "bare call",
        slug: "bare-call",
        run: bare_calls,
    },
    Stay {
        name: "in tokio's `task_local!`",
        slug: "local-call",
        run: local_calls,
    },
    Stay {
        name: "in `scope.run(..)`",
        slug: "scoped-call",
        run: scoped_calls,
    },
];

/// With each poll of a future, the first one without.
pub const POLLS: [Stay; 4] = [
    Stay {
        name: "bare future",
        slug: "bare-poll",
        run: bare_polls,
    },
    Stay {
        name: "in tokio's `task_local!`",
        slug: "local-poll",
        run: local_polls,
    },
    Stay {
        name: "in `scope.wrap(..)`",
        slug: "wrapped-poll",
        run: wrapped_polls,
    },
    Stay {
        name: "of a locked function",
        slug: "locked-poll",
        run: locked_polls,
    },
];

tokio::task_local! {
    /// It goes along with a future from thread to thread, as a scope does; but nobody else looks at it.
    static ALONG: u64;
}

#[expect(clippy::unnecessary_wraps, reason = "others take a lock")]
fn bare_calls(calls: u64, work: Work) -> Result<Duration, Error> {
    Ok(timed(|calls| {
        for _ in 0..calls {
            black_box(work)();
        }
    })(calls))
}

#[expect(clippy::unnecessary_wraps, reason = "others take a lock")]
fn local_calls(calls: u64, work: Work) -> Result<Duration, Error> {
    Ok(timed(|calls| {
        for _ in 0..calls {
            ALONG.sync_scope(1, black_box(work));
        }
    })(calls))
}

#[livinglock::batch(path = lock("calls"), stale = "1h")]
fn scoped_calls(calls: u64, work: Work) -> Result<Duration, Error> {
    let scope = livinglock::scope();
    Ok(outside(|| {
        timed(|calls| {
            for _ in 0..calls {
                scope.run(black_box(work));
            }
        })(calls)
    }))
}

/// On a thread that is not in the scope yet, as those of pools and runtimes are not.
fn outside(measure: impl FnOnce() -> Duration + Send) -> Duration {
    let measured = thread::scope(|threads| threads.spawn(measure).join());
    measured.expect("the work does not panic")
}

/// A future that is ready after so many polls; the time from the first to the last.
async fn polled(polls: u64, work: Work) -> Duration {
    WORKING.set(true);
    let start = Instant::now();
    let mut left = black_box(polls);
    poll_fn(|_| {
        work();
        left -= 1;
        if left == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    let elapsed = start.elapsed();
    WORKING.set(false);
    elapsed
}

thread_local! {
    /// The future that this thread polls is at its work.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future to its end, again and again, as no runtime does; but not while it waits for its lock to be had or let go.
fn drive<T>(future: impl Future<Output = T>) -> T {
    WORKING.set(false);
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        if !WORKING.get() {
            thread::park();
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "others take a lock")]
fn bare_polls(polls: u64, work: Work) -> Result<Duration, Error> {
    Ok(drive(polled(polls, work)))
}

#[expect(clippy::unnecessary_wraps, reason = "others take a lock")]
fn local_polls(polls: u64, work: Work) -> Result<Duration, Error> {
    Ok(drive(ALONG.scope(1, polled(polls, work))))
}

#[livinglock::batch(path = lock("polls"), stale = "1h")]
fn wrapped_polls(polls: u64, work: Work) -> Result<Duration, Error> {
    let scope = livinglock::scope();
    Ok(outside(|| drive(scope.wrap(polled(polls, work)))))
}

#[livinglock::batch(path = lock("locked-polls"), stale = "1h")]
async fn locked(polls: u64, work: Work) -> Result<Duration, Error> {
    Ok(polled(polls, work).await)
}

fn locked_polls(polls: u64, work: Work) -> Result<Duration, Error> {
    drive(locked(polls, work))
}
