//! Tests of findings that need a machine of another kind, or a child that is forked without exec.

use std::{io, path::Path};

use super::*;
use crate::record::Record;

fn holders(numbers: &[u32]) -> Vec<(u32, String)> {
    let holder = |number: &u32| (*number, format!("job-{number}\n"));
    numbers.iter().map(holder).collect()
}

#[test]
fn hands_are_those_of_the_record_or_of_others() {
    let record = Record {
        process_id: 4121,
        ..Record::new()
    };
    for (numbers, grade, text) in [
        (&[4121][..], Grade::Good, "names has the lock"),
        (&[], Grade::Warning, "no process that we may see"),
        (
            &[4121, 7],
            Grade::Warning,
            "inherited it: pid 7 (job-7\\n);",
        ),
        (
            &[7, 8],
            Grade::Warning,
            "but pid 7 (job-7\\n), pid 8 (job-8\\n);",
        ),
    ] {
        let finding = holder::hands(Some(&record), &holders(numbers));
        assert_eq!(finding.grade, grade, "{finding:?}");
        assert!(finding.text.contains(text), "{finding:?}");
    }
    let unknown = holder::hands(None, &holders(&[4121]));
    assert_eq!(unknown.grade, Grade::Warning, "{unknown:?}");
}

#[test]
fn a_network_file_system_is_unfit_and_an_unknown_one_doubtful() {
    let folder = Path::new("/srv");
    let network = place::file_system(folder, &Ok(Some("NFS")));
    assert_eq!(network.grade, Grade::Failure);
    assert!(network.text.contains("network_fs = true"), "{network:?}");
    let unknown = Err(io::Error::from_raw_os_error(libc::ENOSYS));
    let unknown = place::file_system(folder, &unknown);
    assert_eq!(unknown.grade, Grade::Warning, "{unknown:?}");
}

#[test]
fn every_finding_is_one_line() {
    for finding in [
        place::no_folder(Path::new("/srv\n\u{1b}[2J"), None),
        cleaners::removes(Path::new("/tmp/\n"), Path::new("/etc/\r"), "3d\n"),
        machine::pidfd(Some(false)),
    ] {
        let line = finding.to_string();
        assert_eq!(line.matches(char::is_control).count(), 1, "{line:?}");
        assert!(line.ends_with('\n'));
    }
}
