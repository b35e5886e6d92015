//! Text that somebody else chose: it cannot steer a terminal, and it has an end.

use std::{fs, os::unix::fs::FileExt};

use livinglock::{Lock, OnStale, checkpoint};
use livinglock_tests::wait_until;

use crate::{
    innocents::Innocent,
    program::{Running, chain, holder_of, program},
    scratch::{Scratch, sealed, unsealed, with},
};

/// Colours, a cleared screen by one byte, a bell, new lines, and writing from right to left.
const HOSTILE: &str = "\u{1b}[31mred\u{9b}2J\u{7}\r\nnext\u{202e}thgir\u{2066}";

/// The same as JSON.
const HOSTILE_JSON: &str = "\"\\u001b[31mred\\u009b2J\\u0007\\r\\nnext\\u202ethgir\\u2066\"";

/// Insists that a line has come through, and cannot steer a terminal.
fn assert_harmless(line: &str) {
    let harmful = |c: char| c.is_control() || "\u{202e}\u{2066}".contains(c);
    assert!(!line.contains(harmful), "{line:?}");
    assert!(line.contains("[31mred"), "not told at all: {line:?}");
}

#[test]
fn a_holders_own_words_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("NAME", HOSTILE));
    holder.expect("owner");
    let busy = Lock::acquire(&scratch).unwrap_err();
    assert_eq!(busy.holder().unwrap().name, HOSTILE);
    assert_harmless(&chain(&busy));
    holder.kill();
    let errors = Running::start(program("batch").env("LOCK", &*scratch))
        .end()
        .errors;
    assert!(errors.contains("ended without releasing"), "{errors}");
}

#[test]
fn a_forged_record_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let mut holder = Running::start(holder_of(&scratch).env("SILENT", "1"));
    holder.expect("owner");
    let json = unsealed(&fs::read(&scratch).unwrap());
    let checkpoint = format!(
        "{{\"file\":{HOSTILE_JSON},\"line\":1,\"module\":{HOSTILE_JSON},\"message\":{HOSTILE_JSON}}}"
    );
    // The marker stays in front.
    let mut forged = json.replacen(',', &format!(",\"checkpoint\":{checkpoint},"), 1);
    for field in ["name", "host", "owner", "timestamp", "acquired"] {
        forged = with(&forged, field, HOSTILE_JSON);
    }
    let file = fs::File::options().write(true).open(&scratch).unwrap();
    // Its pulse would mend the record.
    holder.stop();
    file.write_all_at(&sealed(&forged), 0).unwrap();
    let working = Lock::acquire(&scratch).unwrap_err();
    assert_eq!(working.holder().unwrap().host, HOSTILE);
    assert_harmless(&chain(&working));

    file.write_all_at(&sealed(&with(&forged, "progress_ns", 0)), 0)
        .unwrap();
    let options = Lock::options().on_stale(OnStale::Report);
    let frozen = chain(&options.acquire(&scratch).unwrap_err());
    assert!(frozen.contains("does not answer"), "{frozen}");
    assert_harmless(&frozen);

    holder.kill();
    let errors = Running::start(program("batch").env("LOCK", &*scratch))
        .end()
        .errors;
    let line = errors.lines().find(|line| line.contains("previous run"));
    assert_harmless(line.unwrap_or_else(|| panic!("no predecessor: {errors:?}")));
}

#[test]
fn another_librarys_record_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let innocent = Innocent::new();
    let record = format!(
        "{{\"process_id\":{},\"timestamp\":\"2199-12-31T00:00:00Z\",\"name\":{HOSTILE_JSON}}}",
        innocent.id()
    );
    fs::write(&scratch, record).unwrap();
    let busy = Lock::acquire(&scratch).unwrap_err();
    assert!(busy.is_busy());
    assert_harmless(&chain(&busy));
}

#[test]
fn a_path_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    let path = scratch.file(HOSTILE);
    let lock = Lock::acquire(&path).unwrap();
    assert_harmless(&chain(&Lock::acquire(&path).unwrap_err()));
    lock.release().unwrap();
    assert_harmless(&chain(
        &Lock::acquire(path.join("missing/job.lock")).unwrap_err(),
    ));
    fs::write(&path, "precious").unwrap();
    assert_harmless(&chain(&Lock::acquire(&path).unwrap_err()));
}

#[test]
fn endless_words_leave_the_record_whole() {
    // Each of these takes six bytes in JSON, or is cut in the middle of a character.
    for letter in ["\u{1}", "\"", "x", "é", "𝄞"] {
        let scratch = Scratch::new();
        let endless = letter.repeat(1 << 20);
        let options = Lock::options().name(&endless);
        let lock = options.acquire(&scratch).unwrap();
        let busy = Lock::acquire(&scratch).unwrap_err();
        let name = &busy.holder().expect("a whole record").name;
        assert!(
            endless.starts_with(name) && (32..=64).contains(&name.len()),
            "{}",
            name.len()
        );
        assert!(busy.to_string().len() < 2048, "{busy}");
        lock.release().unwrap();

        say_endlessly(&scratch, &endless);
    }
}

/// Passes a checkpoint that says very much, and looks what the record says.
#[livinglock::batch(path = path, name = endless.to_owned(), heartbeat = "20ms", stale = "1h", on_busy = panic!("busy"))]
fn say_endlessly(path: &Scratch, endless: &str) {
    wait_until("the message is in the record", || {
        checkpoint!(done = u64::MAX, total = u64::MAX, "{endless}");
        let busy = Lock::acquire(path).unwrap_err();
        let record = busy.holder().expect("a whole record");
        assert_eq!(fs::metadata(path).unwrap().len(), 4096);
        assert!(busy.to_string().len() < 4096, "{busy}");
        let message = record
            .checkpoint
            .as_ref()
            .map(|last| last.message.clone().unwrap());
        message.is_some_and(|message| {
            assert!(endless.starts_with(&message));
            (200..=256).contains(&message.len())
        })
    });
}
