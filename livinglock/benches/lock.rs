//! What taking, refusing and renewing a lock file cost, beside the bare system calls and beside other crates.

use std::{
    error::Error,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read},
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

use fd_lock::RwLock;
use livinglock::Lock;
use livinglock_benches::{Folder, Holder, Subject, Table, print_host, timed};
use named_lock::NamedLock;
use pidfile::PidFile;
use pidlock::{Pidlock, PidlockError};

/// As large as a record of ours, so that the writes compare.
const RECORD: [u8; 1024] = [b' '; 1024];

/// Measures something that may fail, but must not.
fn repeated<'a, E: Error>(
    mut operation: impl FnMut() -> Result<(), E> + 'a,
) -> impl FnMut(u64) -> Duration + 'a {
    timed(move |passes| {
        for _ in 0..passes {
            operation().expect("what is measured succeeds");
        }
    })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

fn try_lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(io::Error::from)
}

/// Turns "busy" into success and anything else into an error that says so.
fn refused(busy: bool) -> io::Result<()> {
    if busy {
        Ok(())
    } else {
        Err(io::Error::other("the lock was not refused as busy"))
    }
}

fn acquire_and_release(folder: &Path) {
    let path = |name: &str| folder.join(name);
    let (ours, bare, std_lock, fd_lock) =
        (path("ours"), path("bare"), path("std"), path("fd-lock"));
    let (pidlock, pidfile) = (path("pidlock"), path("pidfile"));
    let (std_kept, fd_kept, named) = (path("std-kept"), path("fd-kept"), path("named"));
    Table::new("acquire and release; the file is removed")
        .row(Subject::new("open, unlink, close").copy(repeated(|| {
            let file = open(&bare)?;
            fs::remove_file(&bare)?;
            drop(file);
            io::Result::Ok(())
        })))
        .row(
            Subject::new("livinglock")
                .copy(repeated(|| Lock::options().acquire(&ours)?.release()))
                .within(1.5, "open, unlink, close")
                .within(1.0, "pidlock")
                .within(1.0, "pidfile2"),
        )
        .row(Subject::new("pidlock").copy(repeated(|| {
            let mut lock = Pidlock::new_validated(&pidlock)?;
            lock.acquire()?;
            lock.release()
        })))
        .row(Subject::new("pidfile2").copy(repeated(|| PidFile::new(&pidfile).map(drop))))
        .row(
            Subject::new("fd-lock, then unlink by hand").copy(repeated(|| {
                let mut lock = RwLock::new(open(&fd_lock)?);
                let guard = lock.try_write()?;
                fs::remove_file(&fd_lock)?;
                drop(guard);
                io::Result::Ok(())
            })),
        )
        .row(
            Subject::new("`File::try_lock`, then unlink by hand").copy(repeated(|| {
                let file = open(&std_lock)?;
                try_lock(&file)?;
                fs::remove_file(&std_lock)
            })),
        )
        .row(
            Subject::new("`File::try_lock`, file kept")
                .copy(repeated(|| try_lock(&open(&std_kept)?))),
        )
        .row(Subject::new("fd-lock, file kept").copy(repeated(|| {
            RwLock::new(open(&fd_kept)?).try_write().map(drop)
        })))
        .row(Subject::new("named-lock, file kept").copy(repeated(|| {
            NamedLock::with_path(&named)?.try_lock().map(drop)
        })))
        .run();
}

fn busy(folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = |name: &str| folder.join(name);
    let (theirs, ours, std_lock, fd_lock) =
        (path("theirs"), path("ours"), path("std"), path("fd-lock"));
    let (pidlock, pidfile) = (path("pidlock"), path("pidfile"));

    let _holder = Holder::of(env!("CARGO_BIN_EXE_holder"), &theirs)?;
    let _ours = Lock::options().acquire(&ours)?;
    let std_held = open(&std_lock)?;
    try_lock(&std_held)?;
    let mut fd_held = RwLock::new(open(&fd_lock)?);
    let _fd_guard = fd_held.try_write()?;
    let mut pidlock_held = Pidlock::new_validated(&pidlock)?;
    pidlock_held.acquire()?;
    let _pidfile_held = PidFile::new(&pidfile)?;

    let acquire = |path| {
        move || {
            refused(
                Lock::options()
                    .acquire(path)
                    .is_err_and(|error| error.is_busy()),
            )
        }
    };
    Table::new("busy: the lock is refused")
        .row(Subject::new("open, read, close").copy(repeated(|| {
            File::open(&theirs)?.read(&mut [0; 1024]).map(drop)
        })))
        .row(
            Subject::new("livinglock, another process holds it")
                .copy(repeated(acquire(&theirs)))
                .under(2000.0),
        )
        .row(
            Subject::new("livinglock, this process holds it")
                .copy(repeated(acquire(&ours)))
                .under(2000.0),
        )
        .row(Subject::new("`File::try_lock`").copy(repeated(|| {
            let file = open(&std_lock)?;
            refused(matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        })))
        .row(Subject::new("fd-lock").copy(repeated(|| {
            let mut lock = RwLock::new(open(&fd_lock)?);
            let attempt = lock.try_write().map(drop);
            refused(attempt.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
        })))
        .row(Subject::new("pidlock").copy(repeated(|| {
            let attempt = Pidlock::new_validated(&pidlock).and_then(|mut lock| lock.acquire());
            refused(attempt.is_err_and(|error| matches!(error, PidlockError::LockExists)))
        })))
        .row(Subject::new("pidfile2").copy(repeated(|| {
            refused(PidFile::new(&pidfile).is_err_and(|error| error.kind() == ErrorKind::AddrInUse))
        })))
        .run();
    Ok(())
}

fn heartbeat(folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = |name: &str| folder.join(name);
    let (in_place, truncated, replaced, aside) = (
        path("in-place"),
        path("truncated"),
        path("replaced"),
        path("aside"),
    );
    let lock = Lock::options().acquire(path("lock"))?;
    let file = open(&in_place)?;
    Table::new("heartbeat, which the caller of ours leaves to the pulse to write")
        .row(
            Subject::new("bare `pwrite` in place").copy(repeated(|| file.write_all_at(&RECORD, 0))),
        )
        .row(Subject::new("livinglock").copy(repeated(|| lock.heartbeat())))
        .row(Subject::new("truncate and write").copy(repeated(|| fs::write(&truncated, RECORD))))
        .row(Subject::new("write aside and rename").copy(repeated(|| {
            fs::write(&aside, RECORD)?;
            fs::rename(&aside, &replaced)
        })))
        .run();
    lock.release()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    print_host();
    let folder = Folder::temporary("lock")?;
    acquire_and_release(folder.path());
    busy(folder.path())?;
    heartbeat(folder.path())
}
