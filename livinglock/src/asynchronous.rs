//! Locks on asynchronous functions: the future carries the lock from thread to thread, and waits for nobody on them.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use crate::{
    batch,
    error::{Error, Result},
    gate::{Gate, Shown, ThreadScope},
    job::Job,
    observer::End,
    pulse::{Ended, Held, Role},
    report,
};

/// What a thread does that may wait, for a future that may not.
struct Waiting<T>(Arc<Mutex<State<T>>>);

enum State<T> {
    Begun(Option<Waker>),
    Done(T),
    Taken,
}

impl<T: Send + 'static> Waiting<T> {
    /// Does this on a thread of its own; here, if there can be none.
    fn on(work: impl FnOnce() -> T + Send + 'static) -> Self {
        #[cfg(feature = "testing")]
        if crate::testing::is_in_sandbox() {
            // Nobody waits there, and the thread is known there.
            return Self(Arc::new(Mutex::new(State::Done(work()))));
        }
        let state = Arc::new(Mutex::new(State::Begun(None)));
        let theirs = state.clone();
        // So that it is not lost with a thread that cannot be started.
        let work = Arc::new(Mutex::new(Some(work)));
        let job = work.clone();
        let run = move || {
            let work = job.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(work) = work {
                let done = State::Done(work());
                let before = mem::replace(
                    &mut *theirs.lock().unwrap_or_else(PoisonError::into_inner),
                    done,
                );
                if let State::Begun(Some(waker)) = before {
                    waker.wake();
                }
            }
        };
        let started = thread::Builder::new()
            .name("livinglock-wait".to_owned())
            .spawn(run.clone());
        if started.is_err() {
            run();
        }
        Self(state)
    }
}

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match mem::replace(&mut *state, State::Taken) {
            State::Done(done) => Poll::Ready(done),
            State::Begun(_) | State::Taken => {
                *state = State::Begun(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// Holds the lock of an asynchronous function until dropped, on whichever thread.
#[derive(Debug)]
#[must_use = "the lock is released when the guard is dropped"]
pub struct AsyncGuard {
    held: Option<Arc<Held>>,
    gate: Arc<Gate>,
    /// Whether the body has unwound: who catches that drops it later, when nothing unwinds any more.
    has_unwound: bool,
}

/// Enters an asynchronous function that says itself why it could not run.
///
/// All that the job has borrowed is used before the future is returned.
///
/// # Errors
///
/// The lock is busy or cannot be had.
pub fn enter_async(job: &Job<'_>) -> impl Future<Output = Result<AsyncGuard>> + Send + use<> {
    let gate = Gate::in_scope();
    let holding = job.later(gate.clone(), Role::Function);
    async move {
        let held = match holding {
            Ok(hold) => Waiting::on(move || hold().map(Unclaimed::new)).await?,
            Err(error) => return Err(error),
        };
        Ok(AsyncGuard {
            held: held.claim(),
            gate,
            has_unwound: false,
        })
    }
}

/// Enters an asynchronous function that is skipped, after a line on standard error, when its lock cannot be had.
pub fn try_enter_async(job: &Job<'_>) -> impl Future<Output = Option<AsyncGuard>> + Send + use<> {
    let entering = enter_async(job);
    let quiet = job.is_quiet();
    async move {
        entering
            .await
            .inspect_err(|error| batch::decline(error, quiet))
            .ok()
    }
}

/// A lock for which nobody waits any more is released.
struct Unclaimed(Option<Arc<Held>>);

impl Unclaimed {
    fn new(held: Arc<Held>) -> Self {
        Self(Some(held))
    }

    fn claim(mut self) -> Option<Arc<Held>> {
        self.0.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            let _: Result<()> = held.release();
        }
    }
}

impl AsyncGuard {
    /// The body under the lock, and its release.
    pub fn hold<F: Future>(self, body: F) -> impl Future<Output = F::Output> {
        self.lock(body, |_| End::Returned(None))
    }

    /// The same, for whoever is told whether the body succeeded: one that returns an error has not.
    pub fn hold_result<T, E, F>(self, body: F) -> impl Future<Output = F::Output>
    where
        F: Future<Output = std::result::Result<T, E>>,
    {
        self.lock(body, |returned| {
            if returned.is_err() {
                End::Failed
            } else {
                End::Returned(None)
            }
        })
    }

    fn lock<F: Future>(self, body: F, end: fn(&F::Output) -> End) -> Locked<F> {
        Locked {
            #[cfg(feature = "tracing")]
            span: self
                .held
                .as_ref()
                .map_or_else(tracing::Span::none, |held| crate::span::of(held)),
            body: Some(Box::pin(body)),
            end,
            shown: Shown::default(),
            guard: self,
            releasing: None,
        }
    }
}

/// The body has unwound, or nobody polls it any more: in either case it has not come to its end.
impl Drop for AsyncGuard {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else {
            return;
        };
        let ended = if self.has_unwound && held.obeyed().is_none() {
            Ended::Panicked
        } else {
            Ended::Stopped
        };
        if held.is_here() {
            held.abandon(ended);
        } else {
            // A server may take its time, and the thread has others to serve. That it begins is enough.
            drop(Waiting::on(move || held.abandon(ended)));
        }
    }
}

/// The body of an asynchronous function under its lock.
struct Locked<F: Future> {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    /// Dropped before the lock is released.
    body: Option<Pin<Box<F>>>,
    /// How a body has ended that has come to this.
    end: fn(&F::Output) -> End,
    shown: Shown,
    guard: AsyncGuard,
    releasing: Option<Releasing<F::Output>>,
}

/// A lock that is about to be released, and what the body has come to.
struct Releasing<T> {
    released: Waiting<Result<()>>,
    output: Option<T>,
}

impl<F: Future> Unpin for Locked<F> {}

impl<F: Future> Future for Locked<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        #[cfg(feature = "tracing")]
        let _entered = this.span.enter();
        if let Some(body) = &mut this.body {
            let stay = ThreadScope::resume(Some(this.guard.gate.clone()), this.shown);
            this.guard.has_unwound = true;
            let polled = body.as_mut().poll(context);
            this.guard.has_unwound = false;
            if polled.is_ready() {
                this.body = None;
            }
            this.shown = stay.leave();
            let Poll::Ready(output) = polled else {
                return Poll::Pending;
            };
            let Some(held) = this.guard.held.take() else {
                return Poll::Ready(output);
            };
            if held.obeyed().is_some() {
                held.abandon(Ended::Stopped);
                return Poll::Ready(output);
            }
            let end = (this.end)(&output);
            if held.is_here() {
                say_failure(held.release_as(end));
                return Poll::Ready(output);
            }
            // A server may take its time, and the thread has others to serve.
            this.releasing = Some(Releasing {
                released: Waiting::on(move || held.release_as(end)),
                output: Some(output),
            });
        }
        let Some(releasing) = &mut this.releasing else {
            return Poll::Pending;
        };
        let Poll::Ready(released) = Pin::new(&mut releasing.released).poll(context) else {
            return Poll::Pending;
        };
        say_failure(released);
        releasing.output.take().map_or(Poll::Pending, Poll::Ready)
    }
}

fn say_failure(released: std::result::Result<(), Error>) {
    if let Err(error) = released {
        error.event().say(&report::chain(&error));
    }
}

/// No value of a type that is named all the same: so that the compiler knows what a block returns.
#[must_use]
pub const fn no_value<T>() -> Option<T> {
    None
}
