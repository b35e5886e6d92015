//! What a thread works for, handed on to other threads and to futures.

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use crate::{
    gate::{self, Gate, Shown, ThreadScope},
    pulse,
};

/// The lock that somebody works under: that of the innermost locked function around, else that of `main`.
///
/// A checkpoint beats the lock of its own scope and those around it, and never that of a sibling. A thread that is in no locked function is
/// in the scope of `main`; so is one that a locked function has started, unless it is told otherwise:
///
/// ```
/// # let path = std::env::temp_dir().join(format!("livinglock-doc-scope-{}", std::process::id()));
/// #[livinglock::batch(path = path)]
/// fn import(path: &std::path::Path, files: &[&'static str]) {
///     let scope = livinglock::scope();
///     let threads: Vec<_> = files
///         .iter()
///         .map(|&file| scope.spawn(move || livinglock::checkpoint!("file {file}")))
///         .collect();
///     for thread in threads {
///         thread.join().unwrap();
///     }
/// }
/// # import(&path, &["a", "b"]);
/// ```
///
/// With a thread pool each piece of work enters it, here with rayon's: `files.par_iter().for_each(|file| scope.run(|| import(file)))`. And for a
/// task of an asynchronous runtime the future carries it along: `tokio::spawn(scope.wrap(import(file)))`.
///
/// Work that goes on in the scope of a function that has ended is stopped at its next checkpoint, with
/// [`Stop::Released`](crate::Stop::Released).
#[derive(Clone, Debug)]
pub struct Scope(Option<Arc<Gate>>);

/// The scope that the calling thread is in now.
#[must_use]
pub fn scope() -> Scope {
    Scope(gate::current())
}

impl Scope {
    /// Puts the calling thread into this scope until the result is dropped.
    ///
    /// ```
    /// let scope = livinglock::scope();
    /// std::thread::spawn(move || {
    ///     let _entered = scope.enter();
    ///     livinglock::checkpoint!();
    /// })
    /// .join()
    /// .unwrap();
    /// ```
    #[must_use = "the scope is left when this is dropped"]
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            _stay: self.resume(Shown::default()),
            _scope: PhantomData,
        }
    }

    /// Does this in the scope.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Starts a thread that works in the scope.
    ///
    /// # Panics
    ///
    /// The system has no room for another thread, as [`std::thread::spawn`].
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let scope = self.clone();
        thread::spawn(move || scope.run(work))
    }

    /// The same future, which works in the scope whichever thread polls it.
    pub fn wrap<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped {
            scope: self.clone(),
            shown: Shown::default(),
            future: Box::pin(future),
        }
    }

    fn resume(&self, shown: Shown) -> ThreadScope {
        ThreadScope::resume(self.0.clone(), shown)
    }
}

/// The stay of a thread in a [`Scope`].
#[derive(Debug)]
pub struct Entered<'a> {
    _stay: ThreadScope,
    _scope: PhantomData<&'a Scope>,
}

/// A future that works in a [`Scope`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Scoped<F> {
    scope: Scope,
    shown: Shown,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let stay = this.scope.resume(this.shown);
        let polled = this.future.as_mut().poll(context);
        this.shown = stay.leave();
        polled
    }
}

/// Whether the lock of the scope that the calling thread is in is held.
pub(crate) fn is_held() -> bool {
    gate::innermost().is_some_and(|gate| pulse::held_behind(&gate).is_some())
}

/// Panics unless a lock is held here, at the place of the caller.
///
/// # Panics
///
/// No lock is held.
#[track_caller]
pub fn assert_held() {
    assert!(
        is_held(),
        "no lock is held here; call this under `#[livinglock::batch]`, or in its `livinglock::scope()`"
    );
}
