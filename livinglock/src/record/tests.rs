//! Tests of the record's format.

use super::*;

mod properties;

fn record() -> Record {
    Record {
        process_id: 4121,
        timestamp: "2026-11-23T02:43:10.123Z".to_owned(),
        name: "nightly".to_owned(),
        fencing_token: 17,
        checkpoint: Some(Checkpoint::new(
            crate::site::Site::new("src/import.rs", 88, 9, "nightly::import"),
            Some("order 12"),
            Some((12, 500)),
        )),
        ..Record::new()
    }
}

#[test]
fn a_sealed_record_is_read_back() {
    let bytes = record().sealed();
    assert_eq!(bytes.len(), SIZE);
    assert_eq!(Content::of(&bytes), Content::Record(Box::new(record())));
}

#[test]
fn what_is_usual_is_in_a_record_once_it_is_known_and_in_older_ones_it_is_not() {
    let unknown = record();
    assert!(!unknown.to_json().contains("usual_ms"));
    let known = Record {
        checkpoint: unknown.checkpoint.clone().map(|checkpoint| Checkpoint {
            usual_ms: Some(12_000),
            ..checkpoint
        }),
        ..record()
    };
    assert!(
        known
            .to_json()
            .contains("\"total\":500,\"usual_ms\":12000}")
    );
    for record in [unknown, known] {
        assert_eq!(Record::from_json(&record.to_json()), Some(record));
    }
}

#[test]
fn the_go_library_reads_its_two_fields() {
    let bytes = record().sealed();
    let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(json["process_id"], 4121);
    assert_eq!(json["timestamp"], "2026-11-23T02:43:10.123Z");
}

#[test]
fn a_record_cut_anywhere_is_torn_or_blank() {
    let bytes = record().sealed();
    let text = trim_blanks(&bytes).len();
    for length in 0..text {
        let expected = if length == 0 {
            Content::Blank
        } else {
            Content::Torn
        };
        assert_eq!(Content::of(&bytes[..length]), expected, "cut at {length}");
    }
}

#[test]
fn a_record_with_any_flipped_bit_is_never_taken_for_whole() {
    let bytes = record().sealed();
    let text = trim_blanks(&bytes).len();
    for at in 0..text {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(
                !matches!(Content::of(&flipped), Content::Record(_)),
                "bit {bit} of byte {at}"
            );
        }
    }
}

#[test]
fn a_mixture_of_two_records_is_torn() {
    let old = record().sealed();
    let new = Record {
        heartbeats: 9,
        progress_ns: 1_234_567,
        ..record()
    }
    .sealed();
    for split in (64..SIZE).step_by(64) {
        let mixed = [&new[..split], &old[split..]].concat();
        if mixed == new || mixed == old {
            continue;
        }
        assert_eq!(Content::of(&mixed), Content::Torn, "split at {split}");
    }
}

#[test]
fn blanks_and_zeroes_are_blank() {
    for bytes in [&b""[..], b"\n", b"   \t\r\n", &[0; 4096]] {
        assert_eq!(Content::of(bytes), Content::Blank);
    }
}

#[test]
fn what_is_not_ours_is_foreign() {
    for bytes in [
        &b"root:x:0:0:root:/root:/bin/bash\n"[..],
        b"4121\n",
        b"{}",
        b"[1,2]",
        b"{\"process_id\":1}",
        b"{\"process_id\":1,\"timestamp\":\"yesterday\"}",
        b"\xff\xfe",
    ] {
        assert_eq!(Content::of(bytes), Content::Foreign, "{bytes:?}");
    }
}

#[test]
fn a_go_record_is_read_with_any_offset() {
    for (timestamp, utc) in [
        ("2026-11-23T02:43:10Z", "2026-11-23T02:43:10Z"),
        (
            "2026-11-23T02:43:10.123456789Z",
            "2026-11-23T02:43:10.123456789Z",
        ),
        ("2026-11-23T11:43:10.5+09:00", "2026-11-23T02:43:10.5Z"),
        ("2026-11-22T21:13:10-05:30", "2026-11-23T02:43:10Z"),
    ] {
        let bytes = format!("{{\"process_id\":7,\"timestamp\":\"{timestamp}\"}}");
        let Content::Other(record) = Content::of(bytes.as_bytes()) else {
            panic!("{timestamp} is not read");
        };
        assert_eq!(
            record.written(),
            humantime::parse_rfc3339(utc).ok(),
            "{timestamp}"
        );
    }
}

#[test]
fn every_text_that_fits_its_bound_fits_the_record() {
    // A control character takes six bytes in JSON.
    let text = "\u{1}".repeat(5000);
    let text: &'static str = Box::leak(text.into_boxed_str());
    let worst = Record {
        name: bounded_name(text),
        host: bounded_name(text),
        boot_id: "6ac19ddb-f518-4c62-91b3-0f3ef62f873a".to_owned(),
        owner: format!("{:032x}", u128::MAX),
        timestamp: "2026-11-23T02:43:10.123Z".to_owned(),
        acquired: "2026-11-23T02:43:10Z".to_owned(),
        process_id: u32::MAX,
        pid_namespace: u64::MAX,
        time_namespace: u64::MAX,
        process_started: u64::MAX,
        process_inode: u64::MAX,
        fencing_token: u64::MAX,
        acquired_ns: u64::MAX,
        progress_ns: u64::MAX,
        stale_ms: u64::MAX,
        grace_ms: u64::MAX,
        tick_ms: u64::MAX,
        heartbeats: u64::MAX,
        answers: u64::MAX,
        state: State::Panicked,
        checkpoint: Some(Checkpoint {
            usual_ms: Some(u64::MAX),
            ..Checkpoint::new(
                crate::site::Site::new(text, u32::MAX, u32::MAX, text),
                Some(text),
                Some((u64::MAX, u64::MAX)),
            )
        }),
        ..Record::new()
    };
    let bytes = worst.sealed();
    assert_eq!(bytes.len(), SIZE);
    assert_eq!(Content::of(&bytes), Content::Record(Box::new(worst)));
}

#[test]
fn a_hold_after_the_end_lasts_for_at_least_so_long_whatever_the_wall_clock_says() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let at = |minutes_later: u64| {
        humantime::parse_rfc3339("2026-11-23T02:00:00Z").unwrap() + minutes(minutes_later)
    };
    let record = Record {
        state: State::Kept,
        at_least_ms: 14 * 60_000,
        acquired: "2026-11-23T02:00:00Z".to_owned(),
        acquired_ns: 5_000_000_000,
        ..record()
    };
    let after = |minutes: u64| Some(5_000_000_000 + minutes * 60_000_000_000);
    // On the clock of this boot the wall clock does not matter, wherever it was set.
    for wall_clock in [at(0), at(10_000), SystemTime::UNIX_EPOCH] {
        assert_eq!(record.kept_for(after(4), wall_clock), Some(minutes(10)));
        assert_eq!(record.kept_for(after(14), wall_clock), None);
    }
    // After a reboot it is all that there is; set back to before the hold, it says nothing.
    assert_eq!(record.kept_for(None, at(4)), Some(minutes(10)));
    assert_eq!(record.kept_for(None, at(14)), None);
    assert_eq!(record.kept_for(None, SystemTime::UNIX_EPOCH), None);
    let released = Record {
        state: State::Working,
        ..record
    };
    assert_eq!(released.kept_for(after(4), at(4)), None, "it crashed");
}
