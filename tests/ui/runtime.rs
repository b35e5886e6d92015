//! A runtime in the place of `livinglock`, given by `crate = crate::runtime`: it lets nobody in when `BUSY` is set, and writes down
//! what it is told and when a guard is dropped.

#![allow(dead_code, reason = "every case uses another part")]

use std::{
    cell::{Cell, RefCell},
    path::Path,
    time::Duration,
};

thread_local! {
    pub static BUSY: Cell<bool> = const { Cell::new(false) };
    pub static EVENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

pub fn tell(event: impl Into<String>) {
    EVENTS.with_borrow_mut(|events| events.push(event.into()));
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnStale {
    Terminate,
    Fence,
}

#[derive(Debug, PartialEq)]
pub struct Error;

pub mod __private {
    use std::process::{ExitCode, Termination};

    use super::{BUSY, Duration, Error, OnStale, Path, tell};

    pub struct Job<'a>(&'a str, Option<&'a str>, OnStale, Duration);

    impl<'a> Job<'a> {
        pub const fn new(path: &'a str) -> Self {
            Self(path, None, OnStale::Terminate, Duration::ZERO)
        }

        pub fn at<P: AsRef<Path> + ?Sized>(path: &'a P) -> Self {
            Self::new(path.as_ref().to_str().expect("a path in UTF-8"))
        }

        pub const fn name(self, name: &'a str) -> Self {
            Self(self.0, Some(name), self.2, self.3)
        }

        pub const fn package(self, package: Option<&'a str>) -> Self {
            Self(self.0, package, self.2, self.3)
        }

        pub const fn on_stale(self, on_stale: OnStale) -> Self {
            Self(self.0, self.1, on_stale, self.3)
        }

        pub const fn stale(self, stale: Duration) -> Self {
            Self(self.0, self.1, self.2, stale)
        }
    }

    pub fn run<T: Termination>(job: &Job<'_>, body: impl FnOnce() -> T) -> ExitCode {
        tell(format!("{} {:?} {:?} {:?}", job.0, job.1, job.2, job.3));
        body().report()
    }

    pub struct Guard;

    impl Drop for Guard {
        fn drop(&mut self) {
            tell("released");
        }
    }

    pub fn enter(job: &Job<'_>) -> Result<Guard, Error> {
        try_enter(job).ok_or(Error)
    }

    pub fn try_enter(job: &Job<'_>) -> Option<Guard> {
        tell(format!("{} {:?} {:?} {:?}", job.0, job.1, job.2, job.3));
        if BUSY.get() { None } else { Some(Guard) }
    }
}
