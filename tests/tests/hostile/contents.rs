//! What stands in the file.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    time::SystemTime,
};

use livinglock::Lock;

use crate::{
    assert_refused,
    scratch::{Scratch, unsealed},
};

/// A file of this size is nobody's record, and must not be read into memory.
const TEN_GIGABYTES: u64 = 10 << 30;

#[test]
fn blank_content_is_a_free_lock() {
    let blanks: [&[u8]; 5] = [b"", b"\n", b"  \t\r\n ", &[0; 4096], &[0; 10_000]];
    for blank in blanks {
        let scratch = Scratch::new();
        fs::write(&scratch, blank).unwrap();
        let lock = Lock::acquire(&scratch).unwrap();
        assert!(Lock::acquire(&scratch).unwrap_err().holder().is_some());
        assert_eq!(fs::metadata(&scratch).unwrap().len(), 4096);
        lock.release().unwrap();
        assert_eq!(scratch.names(), [""; 0]);
    }
}

#[test]
fn foreign_content_is_refused_and_left_as_it_is() {
    let large = vec![b'x'; 1 << 20];
    let foreign: [&[u8]; 12] = [
        b"hello",
        b"4121\n",
        b"[]",
        b"{}",
        b"null",
        b"{\"process_id\":1}",
        b"{\"process_id\":0,\"timestamp\":\"2026-11-23T02:43:10Z\"}",
        b"{\"process_id\":-1,\"timestamp\":\"2026-11-23T02:43:10Z\"}",
        b"{\"process_id\":1,\"timestamp\":\"yesterday\"}",
        b"SQLite format 3\0\x10\0\x01\x01",
        b"\xff\xfe\0\x80",
        &large,
    ];
    for content in foreign {
        let scratch = Scratch::new();
        fs::write(&scratch, content).unwrap();
        let before = fs::metadata(&scratch).unwrap();
        assert_refused(&scratch, "use another path");
        assert_eq!(fs::read(&scratch).unwrap(), content);
        let after = fs::metadata(&scratch).unwrap();
        assert_eq!(after.modified().unwrap(), before.modified().unwrap());
        assert_eq!(scratch.names(), ["job.lock"]);
    }
}

#[test]
fn a_huge_file_is_refused_unread() {
    for beginning in [String::new(), Scratch::new().crash()] {
        let scratch = Scratch::new();
        let file = File::create_new(&scratch).unwrap();
        file.write_all_at(beginning.as_bytes(), 0).unwrap();
        file.set_len(TEN_GIGABYTES).unwrap();
        assert_refused(&scratch, "use another path");
        assert_eq!(file.metadata().unwrap().len(), TEN_GIGABYTES);
        let mut kept = vec![0; beginning.len()];
        let file = File::open(&scratch).unwrap();
        file.read_exact_at(&mut kept, 0).unwrap();
        assert_eq!(kept, beginning.as_bytes());
    }
}

#[test]
fn a_record_cut_at_any_length_is_a_free_lock() {
    let scratch = Scratch::new();
    scratch.crash();
    let record = fs::read(&scratch).unwrap();
    let text = record.trim_ascii_end().len();
    for length in (0..=text).chain([text + 1, record.len() - 1, record.len()]) {
        fs::write(&scratch, &record[..length]).unwrap();
        let lock = Lock::acquire(&scratch)
            .unwrap_or_else(|error| panic!("refused after {length} bytes: {error}"));
        unsealed(&fs::read(&scratch).unwrap());
        lock.release().unwrap();
    }
}

#[test]
fn a_flipped_bit_is_never_believed() {
    let scratch = Scratch::new();
    scratch.crash();
    let record = fs::read(&scratch).unwrap();
    let text = record.trim_ascii_end().len();
    let marker = "{\"livinglock\":".len();
    let mut acquired = 0;
    for bit in 0..8 * text {
        let mut flipped = record.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&scratch, &flipped).unwrap();
        match Lock::acquire(&scratch) {
            Ok(lock) => {
                let busy = Lock::acquire(&scratch).unwrap_err();
                let token = busy.holder().expect("the new record").fencing_token;
                assert!(u128::from(token) <= now_us(), "bit {bit} is believed");
                lock.release().unwrap();
                acquired += 1;
            }
            // What does not begin like a record of ours is somebody's.
            Err(_) if bit < 8 * marker => assert_eq!(fs::read(&scratch).unwrap(), flipped),
            Err(error) => panic!("refused for bit {bit}: {error}"),
        }
    }
    println!("{acquired} of {} flipped records were replaced", 8 * text);
}

/// The wall clock in microseconds: no honest fencing token is larger.
fn now_us() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros()
}
