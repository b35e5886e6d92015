//! Where locks live: in local files, in engines that many machines share, or in a store of your own.
//!
//! A [`Store`] is the place of one lock, and a [`Lease`] is that lock while somebody holds it. The engines decide who holds it; nothing
//! here votes. A store knows of records and leases, and of nothing that is done under them.
//!
//! ```
//! use std::{
//!     path::Path,
//!     sync::{Arc, Mutex, MutexGuard},
//!     time::{Duration, Instant},
//! };
//!
//! use livinglock::{
//!     Error, Lock, Predecessor, Record,
//!     store::{Acquired, Attempt, Claim, Farewell, Lease, Request, Requests, Sighting, Standing, Store},
//! };
//!
//! /// A lock in the memory of this process, for any number of its threads.
//! #[derive(Clone, Debug, Default)]
//! struct Memory(Arc<Mutex<Slot>>);
//!
//! #[derive(Debug, Default)]
//! struct Slot {
//!     token: u64,
//!     record: Option<Record>,
//!     /// What the run before that has left.
//!     before: Option<Record>,
//!     /// Until when somebody holds it, by the clock that judges here.
//!     expires: Option<Instant>,
//!     asked_to_stop: bool,
//! }
//!
//! impl Memory {
//!     fn slot(&self) -> MutexGuard<'_, Slot> {
//!         self.0.lock().unwrap()
//!     }
//! }
//!
//! impl Slot {
//!     fn sighting(&self) -> Sighting {
//!         let left = self.expires.map(|expires| expires.saturating_duration_since(Instant::now()));
//!         Sighting {
//!             record: self.record.clone().map(Box::new),
//!             is_held: left.is_some_and(|left| !left.is_zero()),
//!             left,
//!             is_asked_to_stop: self.asked_to_stop,
//!             ..Sighting::default()
//!         }
//!     }
//!
//!     fn owner(&self) -> Option<&str> {
//!         self.record.as_ref().map(|record| &*record.owner)
//!     }
//! }
//!
//! impl Store for Memory {
//!     fn place(&self) -> &Path {
//!         Path::new("memory")
//!     }
//!
//!     fn acquire(&self, claim: &Claim) -> Result<Attempt, Error> {
//!         let mut slot = self.slot();
//!         let found = slot.sighting();
//!         // Of one that has gone for certain; or ours, by a call whose answer was lost.
//!         let may_be_taken = [claim.gone.as_deref(), Some(&*claim.record.owner)];
//!         if found.is_held && !(slot.owner().is_some() && may_be_taken.contains(&slot.owner())) {
//!             return Ok(Attempt::Busy(found));
//!         }
//!         // Whoever asks again is told the same.
//!         if slot.owner() != Some(&claim.record.owner) {
//!             slot.token += 1;
//!             slot.before = slot.record.take();
//!         }
//!         let mut record = claim.record.clone();
//!         record.fencing_token = slot.token;
//!         slot.record = Some(record.clone());
//!         slot.expires = Some(Instant::now() + claim.length());
//!         slot.asked_to_stop = false;
//!         Ok(Attempt::Acquired(Acquired {
//!             predecessor: slot.before.clone().and_then(Predecessor::left),
//!             lease: Box::new(Held { memory: self.clone(), owner: record.owner.clone(), length: claim.length() }),
//!             record,
//!         }))
//!     }
//!
//!     fn look(&self) -> Result<Sighting, Error> {
//!         Ok(self.slot().sighting())
//!     }
//!
//!     fn ask_to_stop(&self, owner: &str) -> Result<Request, Error> {
//!         let mut slot = self.slot();
//!         slot.asked_to_stop |= slot.owner() == Some(owner);
//!         Ok(Request::standing())
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct Held {
//!     memory: Memory,
//!     owner: String,
//!     length: Duration,
//! }
//!
//! impl Held {
//!     /// Does this if the lock is ours still.
//!     fn if_ours(&mut self, then: impl FnOnce(&mut Slot)) -> Result<Standing, Error> {
//!         let mut slot = self.memory.slot();
//!         if slot.owner() != Some(&self.owner) || !slot.sighting().is_held {
//!             return Ok(Standing::Lost);
//!         }
//!         then(&mut slot);
//!         Ok(Standing::Held(Requests { stop: slot.asked_to_stop, ..Requests::default() }))
//!     }
//! }
//!
//! impl Lease for Held {
//!     fn length(&self) -> Option<Duration> {
//!         Some(self.length)
//!     }
//!
//!     fn look(&mut self, _record: &Record) -> Result<Standing, Error> {
//!         self.if_ours(|_| {})
//!     }
//!
//!     fn renew(&mut self, record: &Record) -> Result<Standing, Error> {
//!         let expires = Instant::now() + self.length;
//!         self.if_ours(|slot| (slot.record, slot.expires) = (Some(record.clone()), Some(expires)))
//!     }
//!
//!     fn note(&mut self, record: &Record) -> Result<Standing, Error> {
//!         self.if_ours(|slot| slot.record = Some(record.clone()))
//!     }
//!
//!     fn end(mut self: Box<Self>, farewell: Farewell<'_>) -> Result<(), Error> {
//!         let expires = farewell.keep().map(|keep| Instant::now() + keep);
//!         let record = farewell.record().cloned();
//!         self.if_ours(|slot| (slot.record, slot.expires) = (record, expires)).map(drop)
//!     }
//! }
//!
//! let memory = Memory::default();
//! let lock = Lock::options().acquire_in(memory.clone())?;
//! assert_eq!(lock.fencing_token(), 1);
//! assert!(Lock::options().acquire_in(memory.clone()).unwrap_err().is_busy());
//! lock.release()?;
//! assert_eq!(Lock::options().acquire_in(memory)?.fencing_token(), 2);
//! # // This very example, and not one of ours that is like it, keeps what is asked of every store.
//! # #[cfg(feature = "testing")]
//! # {
//! #     let locks = Mutex::new(std::collections::HashMap::<String, Memory>::new());
//! #     let make = move |name: &str| -> Arc<dyn Store> { Arc::new(locks.lock().unwrap().entry(name.to_owned()).or_default().clone()) };
//! #     livinglock::testing::conformance::Conformance::new(make).lease(Duration::from_millis(500)).run();
//! # }
//! # Ok::<(), livinglock::Error>(())
//! ```

#[cfg(any(feature = "etcd-tls", feature = "postgres-tls"))]
mod authorities;
mod courier;
mod engine;
#[cfg(feature = "etcd")]
#[cfg_attr(docsrs, doc(cfg(feature = "etcd")))]
pub mod etcd;
pub(crate) mod file;
mod newcomer;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
#[cfg(feature = "cli")]
mod request;
#[cfg(feature = "cli")]
mod sighting;
mod tenure;
mod url;

use std::{any::Any, fmt, path::Path, time::Duration};

pub(crate) use courier::Courier;
pub use engine::ToStore;
pub use file::FileStore;
pub(crate) use newcomer::acquire;
#[cfg(feature = "testing")]
pub(crate) use newcomer::why_busy;
#[cfg(all(feature = "cli", feature = "postgres"))]
pub(crate) use postgres::schema as postgres_schema;
#[cfg(feature = "cli")]
pub(crate) use request::ask_in_store;
pub(crate) use tenure::Tenure;
#[cfg(feature = "cli")]
pub(crate) use url::{Url, is_url};

use crate::{OnStale, error::Result, predecessor::Predecessor, record::Record};

/// The place of one lock.
///
/// Whoever writes one of their own puts it to the cases of `livinglock::testing::conformance`, with the feature `testing`.
///
/// A call may take as long as [`Claim::timeout`] says, or a few seconds where there is no claim, and then fails: it is made on a thread
/// of its own, where nothing else waits for it.
pub trait Store: fmt::Debug + Send + Sync {
    /// Where the lock is, as reports show it: a path, or a URL without user and password.
    fn place(&self) -> &Path;

    /// Acquires the lock if nobody holds it, or if whoever does is [known to have gone](Claim::gone), or is the owner who asks: by an
    /// earlier call whose answer was lost.
    ///
    /// All in one step of the engine: of any number of callers at most one acquires it. The fencing token in the record that comes back
    /// is greater than those of all owners before it, of leases that ran out included.
    ///
    /// An owner who asks again is told of the same predecessor as the first time, and the same token or a greater one, which everybody
    /// sees from then on. Its lease begins anew, for that is how it counts. Where a lock lives with its process no answer is lost: there
    /// nobody has to be told twice.
    ///
    /// # Errors
    ///
    /// [`Error::in_store`](crate::Error::in_store) if the engine cannot be asked.
    fn acquire(&self, claim: &Claim) -> Result<Attempt>;

    /// Looks at the lock and changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::in_store`](crate::Error::in_store) if the engine cannot be asked.
    fn look(&self) -> Result<Sighting>;

    /// Asks the holder to stop, if it is this owner still; whoever comes after it is left alone.
    ///
    /// # Errors
    ///
    /// [`Error::in_store`](crate::Error::in_store) if the engine cannot be asked.
    fn ask_to_stop(&self, owner: &str) -> Result<Request>;
}

/// A lock that is held. Dropped without an [end](Lease::end), it is left as by a crash.
pub trait Lease: fmt::Debug + Send {
    /// How long it lasts from each renewal on, by the engine's clock; `None` if for as long as the process lives.
    fn length(&self) -> Option<Duration>;

    /// Looks whether the lock is still ours, and what others ask of us.
    ///
    /// # Errors
    ///
    /// It cannot be said now.
    fn look(&mut self, record: &Record) -> Result<Standing>;

    /// The same after a sleep, in which somebody else may have had the lock and released it.
    ///
    /// # Errors
    ///
    /// It cannot be said now.
    fn look_after_a_sleep(&mut self, record: &Record) -> Result<Standing> {
        self.look(record)
    }

    /// Writes the record, and begins the lease anew: there was progress. Nothing is written if the lock is lost.
    ///
    /// # Errors
    ///
    /// It cannot be said whether that was done.
    fn renew(&mut self, record: &Record) -> Result<Standing>;

    /// Writes the record, unless the lock is lost; the lease ends when it would have ended.
    ///
    /// # Errors
    ///
    /// It cannot be said whether that was done.
    fn note(&mut self, record: &Record) -> Result<Standing>;

    /// Ends the hold, if the lock is still ours. Another owner's is left alone.
    ///
    /// # Errors
    ///
    /// It could not be ended, and runs out by itself.
    fn end(self: Box<Self>, farewell: Farewell<'_>) -> Result<()>;
}

/// What a newcomer brings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// The record of the new holder, whole but for the fencing token.
    pub record: Record,
    /// The owner of whom it is known that it has gone: its lease counts as over.
    pub gone: Option<String>,
    /// How long one call to the engine may take.
    pub timeout: Duration,
    /// The owners of the locks that the caller works under: whoever waited for one of those would wait for itself.
    pub around: Vec<String>,
    /// Ask a working holder to stop. The engines leave that to their callers.
    pub replace: bool,
    /// What to do with a stale holder that does not answer. Of an engine's lease nothing has to be done: it runs out.
    pub on_stale: OnStale,
}

impl Claim {
    /// A claim for a run with this record.
    #[must_use]
    pub fn new(record: Record) -> Self {
        Self {
            record,
            gone: None,
            timeout: DEFAULT_TIMEOUT,
            around: Vec::new(),
            replace: false,
            on_stale: OnStale::Fence,
        }
    }

    /// The length of the lease: `stale`.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.record.stale()
    }
}

/// How long a call to an engine may take, unless the lease is short.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// What one try to acquire a lock has led to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once a run")]
pub enum Attempt {
    /// It is ours.
    Acquired(Acquired),
    /// Somebody has it, or had it until just now. (The [`FileStore`] fails with an error that [is busy](crate::Error::is_busy) instead:
    /// it has judged the holder.)
    Busy(Sighting),
}

/// A lock that was acquired.
#[derive(Debug)]
pub struct Acquired {
    /// The lock.
    pub lease: Box<dyn Lease>,
    /// Its record, as it was written.
    pub record: Record,
    /// The run before, if that did not release the lock.
    pub predecessor: Option<Predecessor>,
}

/// What was seen of a lock.
#[derive(Clone, Debug, Default)]
pub struct Sighting {
    /// The record of whoever holds it, or has left it without releasing; `None` also if it cannot be read.
    pub record: Option<Box<Record>>,
    /// Whether somebody holds it.
    pub is_held: bool,
    /// What is left of the lease; `None` if it lasts for as long as its process lives.
    pub left: Option<Duration>,
    /// How long it has been held, by the engine's clock; `None` if the engine does not know. etcd does not, nor does a [`FileStore`]: there
    /// the times in the record tell, as the holder wrote them.
    pub held_for: Option<Duration>,
    /// How long ago its record was written, by the engine's clock; `None` if the engine does not know, as with a [`FileStore`].
    pub written_ago: Option<Duration>,
    /// Whether the holder is asked to stop.
    pub is_asked_to_stop: bool,
    /// Whether the engine knows that the holder has gone, though its lease has not run out.
    pub is_gone: bool,
}

/// How a holder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The lock is ours, and this is asked of us.
    Held(Requests),
    /// It is not ours any more, or cannot be kept.
    Lost,
}

/// What others ask of a holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// That it works, or gives way. Who holds a lease is not asked: it runs out.
    pub proof: bool,
    /// That it stops.
    pub stop: bool,
}

/// That a holder stop. It stands at least until dropped.
pub struct Request {
    _bearer: Option<Box<dyn Any + Send>>,
}

impl Request {
    /// One that stands by itself.
    #[must_use]
    pub const fn standing() -> Self {
        Self { _bearer: None }
    }

    /// One that stands for as long as this value lives.
    pub fn borne_by(bearer: impl Any + Send) -> Self {
        Self {
            _bearer: Some(Box::new(bearer)),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// How a hold ends, and what is left of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Farewell<'a> {
    /// The job is done: the lock is free, and nothing has to be left. Where something is, this record says that it was released.
    Released(&'a Record),
    /// The job is done, and the lock stays busy for so much longer, by `at_least`.
    Kept(&'a Record, Duration),
    /// The job was stopped or has failed: the lock is free, and the record stays for whoever comes next.
    Left(&'a Record),
    /// The same, but its process ends just now, and some threads may be in mid-unit until it has: the lock is free a moment later.
    LeftWithProcess(&'a Record),
}

impl<'a> Farewell<'a> {
    /// The record that stays.
    #[must_use]
    pub const fn record(&self) -> Option<&'a Record> {
        match self {
            Self::Released(_) => None,
            Self::Kept(record, _) | Self::Left(record) | Self::LeftWithProcess(record) => {
                Some(record)
            }
        }
    }

    /// How much longer the lock stays busy, if it does.
    #[must_use]
    pub const fn keep(&self) -> Option<Duration> {
        match self {
            Self::Released(_) | Self::Left(_) => None,
            Self::Kept(_, keep) => Some(*keep),
            Self::LeftWithProcess(_) => Some(LAST_MOMENT),
        }
    }
}

/// How long a process may take to end that has nothing left to do.
const LAST_MOMENT: Duration = Duration::from_secs(1);
