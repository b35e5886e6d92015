//! Journals that are long, torn, shared or somebody else's.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, thread};

use super::*;
use crate::{observer::outcome::Outcome, record::Record};

const LONG: Duration = Duration::from_secs(20);

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("livinglock-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("runs.jsonl")
    }

    fn journal(&self) -> Journal {
        Journal::new(&self.path(), 0o640)
    }

    fn owners(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path()).expect("a journal");
        let entries = text.lines().filter_map(Entry::read);
        entries.map(|entry| entry.owner).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn entry(owner: &str) -> Entry {
    let record = Record {
        owner: owner.to_owned(),
        acquired: "2026-11-24T02:00:00Z".to_owned(),
        timestamp: "2026-11-24T02:00:01.500Z".to_owned(),
        name: "a\"b".to_owned(),
        ..Record::new()
    };
    Entry::of(&record, Outcome::Crashed)
}

#[test]
fn lines_are_added_and_a_run_has_one() {
    let folder = Folder::new("journal");
    let journal = folder.journal();
    journal.add_once(&entry("1"), LONG).expect("the first line");
    journal.add(&entry("2"), LONG).expect("another one");
    journal.add_once(&entry("1"), LONG).expect("nothing");
    journal.add_once(&entry("2"), LONG).expect("nothing");
    assert_eq!(folder.owners(), ["1", "2"]);
    let mode = fs::metadata(folder.path()).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o640);
    assert_eq!(entry("1").duration_ms, 1500);
}

#[test]
fn a_run_knows_what_the_last_one_of_its_name_has_learned() {
    let folder = Folder::new("pace-in-journal");
    let journal = folder.journal();
    let pace_of = |name| journal.pace_of(name, LONG).expect("a journal");
    assert_eq!(pace_of("a\"b"), []);
    let habit = |line| Habit {
        file: "src/import.rs".to_owned(),
        line,
        column: 5,
        gaps_ms: vec![12_000, 11_000],
    };
    for (owner, name, pace) in [
        ("1", "a\"b", vec![habit(1)]),
        ("2", "a\"b", vec![habit(2), habit(3)]),
        ("3", "a", vec![habit(4)]),
        // It was killed.
        ("4", "a\"b", vec![]),
    ] {
        let run = Entry {
            name: name.to_owned(),
            pace,
            ..entry(owner)
        };
        journal.add(&run, LONG).expect("a line");
    }
    assert_eq!(pace_of("a\"b"), [habit(2), habit(3)]);
    assert_eq!(pace_of("a"), [habit(4)]);
    assert_eq!(pace_of("b"), []);
}

#[test]
fn after_a_torn_line_a_new_one_begins() {
    let folder = Folder::new("torn-journal");
    fs::write(folder.path(), "nobody's line\n{\"livinglock\":1,\"na").expect("a torn journal");
    folder.journal().add(&entry("1"), LONG).expect("a line");
    assert_eq!(folder.owners(), ["1"]);
}

#[test]
fn of_a_long_journal_the_older_half_goes() {
    let folder = Folder::new("long-journal");
    let journal = folder.journal();
    let length = entry("0000").to_line().len() as u64;
    let lines = LONGEST / length + 10;
    let mut text = String::new();
    for number in 0..lines {
        text += &entry(&format!("{number:04}")).to_line();
    }
    let too_long = usize::try_from(LONGEST - length / 2).expect("a size");
    fs::write(folder.path(), &text[..too_long]).expect("a journal");
    journal.add(&entry("last"), LONG).expect("a line");
    let size = fs::metadata(folder.path()).expect("a file").len();
    assert!(size <= LONGEST / 2 + length + 1, "{size}");
    let owners = folder.owners();
    assert!(
        owners.len() as u64 > LONGEST / 2 / length - 2,
        "{}",
        owners.len()
    );
    assert_eq!(owners.last().map(String::as_str), Some("last"));
    assert!(owners.is_sorted(), "the order is kept");
    let others = fs::read_dir(&folder.0).expect("a folder").count();
    assert_eq!(others, 1, "nothing else is there");
}

#[test]
fn many_who_write_at_once_lose_nothing() {
    let folder = Folder::new("busy-journal");
    thread::scope(|scope| {
        for thread in 0..4 {
            let journal = folder.journal();
            scope.spawn(move || {
                for line in 0..25 {
                    let entry = entry(&format!("{thread}-{line}"));
                    journal.add_once(&entry, LONG).expect("a line");
                }
            });
        }
    });
    assert_eq!(folder.owners().len(), 100);
}

#[test]
fn whoever_has_locked_the_folder_is_waited_for_in_vain_and_no_longer() {
    let folder = Folder::new("locked-journal");
    let holder = File::open(&folder.0).expect("the folder");
    assert!(sys::try_lock_whole(&holder).expect("a lock"));
    let refused = folder.journal().add(&entry("1"), Duration::from_millis(5));
    let text = refused.expect_err("it is locked").to_string();
    assert!(text.contains("fuser(1)"), "{text}");
    assert!(!folder.path().exists());
    drop(holder);
    folder.journal().add(&entry("1"), LONG).expect("a line");
}

#[test]
fn a_symlink_and_a_second_name_are_refused() {
    let folder = Folder::new("linked-journal");
    let target = folder.0.join("precious");
    fs::write(&target, "precious").expect("a file");
    std::os::unix::fs::symlink(&target, folder.path()).expect("a link");
    let refused = folder.journal().add(&entry("1"), LONG).unwrap_err();
    assert!(refused.to_string().contains("symbolic link"), "{refused}");
    fs::remove_file(folder.path()).expect("remove the link");
    fs::hard_link(&target, folder.path()).expect("a link");
    let refused = folder.journal().add(&entry("1"), LONG).unwrap_err();
    assert!(refused.to_string().contains("hard links"), "{refused}");
    assert_eq!(fs::read(&target).expect("the file"), b"precious");
}
