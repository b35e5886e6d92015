//! Where the locks of a test are.

use std::{
    cell::RefCell,
    future::{self, Future},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use super::{FakeLock, fake_lock::Slot, place::SandboxedPlace};
use crate::{gate, pulse::Held, stop::Stop, sys};

/// Locks in memory, for whatever a test runs in it, and the clock by which they are kept.
///
/// Each lock is free, unless a [`FakeLock`] says otherwise. Clones are the same sandbox, for other threads.
///
/// Time passes by [`advance`](Self::advance), and where something waits for it: a run for a busy lock, for as long as `wait`; a
/// run for the answer of a hung or replaced one; a job at a checkpoint for the word of its pulse. Nobody sleeps for that.
///
/// What is said of the locks is [kept](Self::reports) instead of written to standard error. A `graceful` job does not listen to signals,
/// and nobody outside is told of a run.
///
/// ```
/// use livinglock::{Stop, testing::Sandbox};
///
/// #[livinglock::batch(path = "/run/mail.lock")]
/// fn mail(letters: &[&str]) -> Result<usize, livinglock::Error> {
///     Ok(letters.iter().inspect(|letter| livinglock::checkpoint!("to {letter}")).count())
/// }
///
/// let sandbox = Sandbox::new();
/// assert_eq!(sandbox.run(|| mail(&["Ann", "Bob"])).unwrap().unwrap(), 2);
/// assert!(!std::path::Path::new("/run/mail.lock").exists());
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Mutex<World>>);

#[derive(Debug)]
struct World {
    /// When it began, in nanoseconds of `CLOCK_MONOTONIC`.
    begun_ns: u64,
    /// What has passed since then.
    elapsed: Duration,
    slots: Vec<Arc<Slot>>,
    reports: Vec<String>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

thread_local! {
    /// The sandbox that the calling thread is in.
    static HERE: RefCell<Option<Sandbox>> = const { RefCell::new(None) };
}

/// The sandbox that the calling thread works in: by itself, or for a locked function that does.
pub(crate) fn current() -> Option<Sandbox> {
    here().or_else(gate::sandbox)
}

pub(crate) fn is_in_sandbox() -> bool {
    current().is_some()
}

fn here() -> Option<Sandbox> {
    HERE.try_with(|here| here.borrow().clone()).ok().flatten()
}

/// Keeps a sentence for the test on the calling thread, if there is one.
pub(crate) fn hear(sentence: &str) -> bool {
    let here = here();
    if let Some(sandbox) = &here {
        sandbox.world().reports.push(sentence.to_owned());
    }
    here.is_some()
}

/// The stay of the calling thread in a sandbox, until dropped.
struct Stay(Option<Sandbox>);

impl Drop for Stay {
    fn drop(&mut self) {
        let before = self.0.take();
        let _ = HERE.try_with(|here| here.replace(before));
    }
}

impl Sandbox {
    /// A sandbox in which nobody holds any lock, and nobody ever did.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(World {
            begun_ns: sys::monotonic_ns(),
            elapsed: Duration::ZERO,
            slots: Vec::new(),
            reports: Vec::new(),
        })))
    }

    /// The lock at this path; of one in a store the URL as reports show it: with its name, but without user and password.
    #[must_use]
    pub fn lock(&self, place: impl AsRef<Path>) -> FakeLock {
        FakeLock::new(self.clone(), self.slot(place.as_ref()))
    }

    /// Runs this in the sandbox, on the calling thread.
    ///
    /// ```
    /// # use livinglock::{Stop, testing::Sandbox};
    /// # #[livinglock::batch(path = "/run/clean.lock")]
    /// # fn clean() { livinglock::checkpoint!(); }
    /// let sandbox = Sandbox::new();
    /// sandbox.lock("/run/clean.lock").stop_after(0, Stop::Signal(15));
    /// assert_eq!(sandbox.run(clean), Err(Stop::Signal(15)));
    /// ```
    ///
    /// # Errors
    ///
    /// It was stopped at a `checkpoint!()`, and says why. Any other panic goes on.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> Result<T, Stop> {
        let _stay = self.enter();
        catch_stop(work)
    }

    /// The same for a future, whichever thread polls it.
    ///
    /// ```
    /// # use livinglock::testing::Sandbox;
    /// # #[livinglock::batch(path = "/run/clean.lock")]
    /// # async fn clean() { livinglock::checkpoint!(); }
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     match std::pin::pin!(future).poll(&mut context) {
    /// #         std::task::Poll::Ready(output) => output,
    /// #         std::task::Poll::Pending => unreachable!(),
    /// #     }
    /// # }
    /// # block_on(async {
    /// let sandbox = Sandbox::new();
    /// assert_eq!(sandbox.wrap(clean()).await, Ok(()));
    /// assert_eq!(sandbox.lock("/run/clean.lock").released(), 1);
    /// # });
    /// ```
    pub fn wrap<F: Future>(
        &self,
        future: F,
    ) -> impl Future<Output = Result<F::Output, Stop>> + use<F> {
        let mut sandboxed = Sandboxed {
            sandbox: self.clone(),
            future: Some(Box::pin(future)),
        };
        future::poll_fn(move |context| sandboxed.poll(context))
    }

    /// Lets so much time pass, in an instant: every lock has the ticks of its pulse, one after the other, on the calling thread.
    ///
    /// Called from within a job, it is the job that takes this long.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use livinglock::{Lock, testing::Sandbox};
    /// let sandbox = Sandbox::new();
    /// sandbox.run(|| {
    ///     let lock = Lock::options().at_most(Duration::from_secs(60)).acquire("/run/page.lock")?;
    ///     sandbox.advance(Duration::from_secs(59));
    ///     lock.heartbeat()?;
    ///     sandbox.advance(Duration::from_secs(2));
    ///     assert!(lock.heartbeat().is_err());
    ///     Ok::<(), livinglock::Error>(())
    /// })
    /// # .unwrap().unwrap();
    /// ```
    pub fn advance(&self, by: Duration) {
        let _stay = self.enter();
        let until = self.elapsed() + by;
        while let Some(held) = self.next_tick(until) {
            held.tick_now();
        }
        self.world().turn_to(until);
    }

    /// How much time has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.world().elapsed
    }

    /// What was said of the locks: each a line that would be on standard error, without the name of this crate before it.
    #[must_use]
    pub fn reports(&self) -> Vec<String> {
        self.world().reports.clone()
    }

    fn enter(&self) -> Stay {
        Stay(HERE.replace(Some(self.clone())))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to a lock for the job under test; with a margin, to a lease.
    pub(crate) fn place(&self, path: &Path, margin: Option<Duration>) -> SandboxedPlace {
        SandboxedPlace::new(self.clone(), self.slot(path), path, margin)
    }

    pub(super) fn now_ns(&self) -> u64 {
        let world = self.world();
        let elapsed = u64::try_from(world.elapsed.as_nanos()).unwrap_or(u64::MAX);
        world.begun_ns.saturating_add(elapsed)
    }

    fn slot(&self, place: &Path) -> Arc<Slot> {
        let place = settled(place);
        let mut world = self.world();
        let known = world.slots.iter().find(|slot| slot.place() == place);
        if let Some(slot) = known {
            return slot.clone();
        }
        let slot = Arc::new(Slot::new(place));
        slot.store().turn_to(world.elapsed);
        world.slots.push(slot.clone());
        slot
    }

    /// Goes on to the next tick of any lock, if there is one until then. The lock.
    fn next_tick(&self, until: Duration) -> Option<Arc<Held>> {
        // The holder of a lock looks at the clock, so nobody who looks at a lock may keep the clock.
        let slots = self.world().slots.clone();
        let (due, held, slot) = slots
            .iter()
            .filter_map(|slot| {
                let (due, held) = slot.next_tick()?;
                Some((due, held, slot))
            })
            .filter(|(due, ..)| *due <= until)
            .min_by_key(|(due, ..)| *due)?;
        self.world().turn_to(due);
        slot.tick_again_after(held.tick());
        Some(held)
    }
}

impl World {
    /// It never goes back, though two threads advance it.
    fn turn_to(&mut self, time: Duration) {
        self.elapsed = self.elapsed.max(time);
        for slot in &self.slots {
            slot.store().turn_to(self.elapsed);
        }
    }
}

/// A path as files have it. What is written as a URL has no folder.
fn settled(place: &Path) -> PathBuf {
    if place.to_string_lossy().contains("://") {
        return place.to_owned();
    }
    std::path::absolute(place).unwrap_or_else(|_| place.to_owned())
}

/// Does this until it ends, or is stopped.
fn catch_stop<T>(work: impl FnOnce() -> T) -> Result<T, Stop> {
    // Whoever looks at what the job has left behind tests just that.
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|panic| match panic.downcast_ref() {
        Some(&stop) => stop,
        None => panic::resume_unwind(panic),
    })
}

/// A future in a sandbox.
struct Sandboxed<F: Future> {
    sandbox: Sandbox,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Sandboxed<F> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<F::Output, Stop>> {
        let _stay = self.sandbox.enter();
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        match catch_stop(|| future.as_mut().poll(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => {
                self.future = None;
                Poll::Ready(Ok(output))
            }
            Err(stop) => {
                self.future = None;
                Poll::Ready(Err(stop))
            }
        }
    }
}

/// Its locks are let go where they were held.
impl<F: Future> Drop for Sandboxed<F> {
    fn drop(&mut self) {
        let _stay = self.sandbox.enter();
        self.future = None;
    }
}
