//! What happens to the file while somebody holds the lock.

use std::{
    fs::{self, File},
    os::unix::fs::{PermissionsExt, symlink},
    panic, thread,
};

use livinglock::{Error, Fate, Lock, Record};
use livinglock_tests::wait_until;

use crate::{
    program::{Running, holder_of},
    scratch::{Scratch, sealed, with},
};

/// What a newcomer is told; never may it have the lock.
fn busy(scratch: &Scratch) -> Error {
    let error = Lock::acquire(scratch).expect_err("somebody holds it");
    assert!(error.is_busy(), "{error}");
    error
}

fn known(scratch: &Scratch) -> Option<Record> {
    busy(scratch).holder().cloned()
}

/// A holder that beats every 20 ms, and its record.
fn working_holder(scratch: &Scratch) -> (Running, Record) {
    let mut holder = Running::start(&mut holder_of(scratch));
    holder.expect("owner");
    let record = known(scratch).expect("a whole record");
    (holder, record)
}

#[test]
fn a_holder_whose_record_is_overwritten_stays_the_holder_and_mends_it() {
    let crashed = Scratch::new().crash();
    let of_a_stale_stranger = with(&with(&crashed, "process_id", 1), "progress_ns", 0);
    let garbage: [&[u8]; 9] = [
        b"",
        b"{",
        b"garbage",
        &[0; 4096],
        b"{\"process_id\":1,\"timestamp\":\"2020-11-23T02:43:10Z\"}",
        &sealed(&of_a_stale_stranger),
        &sealed(&of_a_stale_stranger)[..100],
        &[b'x'; 4096],
        &[b' '; 10_000],
    ];
    for content in garbage {
        mends(content, |scratch| fs::write(scratch, content).unwrap());
    }
}

#[test]
fn a_holder_whose_record_is_overwritten_by_more_than_a_record_mends_it() {
    mends(b"8 KiB", |scratch| {
        fs::write(scratch, vec![b'x'; 8192]).unwrap();
    });
    mends(b"1 MiB", |scratch| {
        fs::write(scratch, vec![b'x'; 1 << 20]).unwrap();
    });
    mends(b"10 GiB", |scratch| {
        let file = File::options().write(true).open(scratch).unwrap();
        file.set_len(10 << 30).unwrap();
    });
}

fn mends(content: &[u8], overwrite: impl Fn(&Scratch)) {
    let scratch = Scratch::new();
    let (mut holder, before) = working_holder(&scratch);
    let shown = String::from_utf8_lossy(&content[..content.len().min(40)]);
    overwrite(&scratch);
    wait_until(&format!("the record after {shown:?} is mended"), || {
        known(&scratch).is_some_and(|record| record.owner == before.owner)
    });
    holder.kill();
    Lock::acquire(&scratch).unwrap().release().unwrap();
}

#[test]
fn a_silent_holder_whose_record_is_overwritten_mends_it_and_can_be_judged() {
    for content in ["garbage", "", "{\"livinglock\":1,"] {
        let scratch = Scratch::new();
        let mut holder = Running::start(holder_of(&scratch).env("SILENT", "1"));
        holder.expect("owner");
        let before = known(&scratch).expect("a whole record");
        fs::write(&scratch, content).unwrap();
        for _ in 0..3 {
            busy(&scratch);
        }
        wait_until("the record is back", || {
            known(&scratch).is_some_and(|record| record.owner == before.owner)
        });
        assert_eq!(holder.end().status.code(), Some(0));
        assert_eq!(scratch.names(), [""; 0]);
    }
}

#[test]
fn a_deleted_file_is_put_back_by_its_holder() {
    let scratch = Scratch::new();
    let (holder, before) = working_holder(&scratch);
    for _ in 0..50 {
        fs::remove_file(&scratch).unwrap();
        // Until its holder has locked the new file, whoever is quicker may have it: so look without touching it.
        wait_until("the record is back", || {
            fs::read_to_string(&scratch).is_ok_and(|text| text.contains(&before.owner))
        });
        assert_eq!(known(&scratch).expect("a whole record").owner, before.owner);
    }
    assert_eq!(holder.end().status.code(), Some(0));
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn a_replaced_file_ends_the_hold_and_belongs_to_whoever_put_it_there() {
    let scratch = Scratch::new();
    let (mut holder, _) = working_holder(&scratch);
    let other = scratch.file("other");
    fs::write(&other, "precious").unwrap();
    fs::rename(&other, &scratch).unwrap();
    holder.expect("lost");
    let ended = holder.end();
    assert!(ended.errors.contains("lost the lock"), "{}", ended.errors);
    assert_eq!(fs::read_to_string(&scratch).unwrap(), "precious");
}

#[test]
fn a_lock_that_was_acquired_anew_is_not_the_old_holders() {
    let scratch = Scratch::new();
    let (mut holder, before) = working_holder(&scratch);
    let other = scratch.file("other");
    let ours = Lock::acquire(&other).unwrap();
    fs::rename(&other, &scratch).unwrap();
    holder.expect("lost");
    drop(holder);
    let now = known(&scratch).expect("our own record");
    assert_ne!(now.owner, before.owner);
    drop(ours);
}

#[test]
fn something_else_in_the_place_of_the_file_ends_the_hold() {
    let kinds: [fn(&Scratch); 3] = [
        |scratch| fs::create_dir(scratch.file("other")).unwrap(),
        |scratch| symlink("job.lock", scratch.file("other")).unwrap(),
        |scratch| symlink("/dev/null", scratch.file("other")).unwrap(),
    ];
    for make in kinds {
        let scratch = Scratch::new();
        let (mut holder, _) = working_holder(&scratch);
        make(&scratch);
        let kind = || fs::symlink_metadata(&scratch).map(|found| found.file_type());
        let other = fs::symlink_metadata(scratch.file("other")).unwrap();
        // A folder does not replace a file; then the holder may be quicker, and the next try is ours.
        wait_until("the file is replaced", || {
            let _gone = fs::remove_file(&scratch);
            fs::rename(scratch.file("other"), &scratch).is_ok()
        });
        holder.expect("lost");
        holder.end();
        assert_eq!(kind().unwrap(), other.file_type());
    }
}

#[test]
fn a_folder_that_goes_away_and_comes_back_leaves_the_holder_alone() {
    let scratch = Scratch::new();
    let folder = scratch.file("folder");
    let away = scratch.file("away");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("job.lock");
    let mut holder = Running::start(&mut holder_of(&path));
    holder.expect("owner");
    let heartbeats = |path| {
        let busy = Lock::acquire(path).unwrap_err();
        busy.holder().expect("a whole record").heartbeats
    };
    fs::rename(&folder, &away).unwrap();
    let moved = away.join("job.lock");
    let before = heartbeats(&moved);
    wait_until("the holder beats on where it is", || {
        heartbeats(&moved) > before + 2
    });
    fs::rename(&away, &folder).unwrap();
    assert!(Lock::acquire(&path).unwrap_err().is_busy());
    assert_eq!(holder.end().status.code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn permissions_that_are_taken_away_do_not_end_the_hold() {
    let scratch = Scratch::new();
    let (holder, before) = working_holder(&scratch);
    let set = |mode| fs::set_permissions(&scratch, fs::Permissions::from_mode(mode)).unwrap();
    set(0o000);
    let written = || fs::metadata(&scratch).unwrap().modified().unwrap();
    let taken_away = written();
    wait_until("the holder writes all the same", || written() > taken_away);
    set(0o600);
    wait_until("the holder beats on", || {
        known(&scratch).is_some_and(|now| {
            assert_eq!(now.owner, before.owner);
            now.heartbeats > before.heartbeats
        })
    });
    assert_eq!(holder.end().status.code(), Some(0));
}

#[test]
fn a_lock_that_a_panic_drops_is_told_to_whoever_comes_next() {
    let scratch = Scratch::new();
    let path = scratch.to_path_buf();
    let panicked = thread::spawn(move || {
        let _lock = Lock::acquire(path).unwrap();
        panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(panicked.join().is_err());
    let next = Lock::acquire(&scratch).unwrap();
    assert_eq!(next.predecessor().unwrap().fate(), Fate::Panicked);
}
