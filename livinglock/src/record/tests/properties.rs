//! What holds for all records and for all files. Inputs that failed once are kept in `proptest-regressions` and are tried first.

use proptest::{collection::vec, option, prelude::*, sample::Index, test_runner::TestCaseError};

use super::*;

/// Any text, short or long, among it what takes most room in JSON.
fn text() -> impl Strategy<Value = String> {
    let letter = prop_oneof![any::<char>(), Just('"'), Just('\u{1}'), Just('語')];
    let repeated =
        (letter.clone(), 0_usize..300).prop_map(|(letter, times)| letter.to_string().repeat(times));
    prop_oneof![repeated, vec(letter, 0..30).prop_map(String::from_iter)]
}

/// A static text, as sites have them.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

prop_compose! {
    fn checkpoint()(
        (file, module) in (text(), text()),
        (line, column) in any::<(u32, u32)>(),
        message in option::of(text()),
        progress in any::<Option<(u64, u64)>>(),
        usual_ms in any::<Option<u64>>(),
    ) -> Checkpoint {
        let site = crate::site::Site::new(leak(file), line, column, leak(module));
        Checkpoint { usual_ms, ..Checkpoint::new(site, message.as_deref(), progress) }
    }
}

prop_compose! {
    /// A record as a holder makes them.
    fn a_record()(
        (name, host) in (text(), text()),
        process_id in any::<u32>(),
        numbers in any::<[u64; 13]>(),
        owner in any::<u128>(),
        seconds in 0_u64..=253_402_300_799,
        state in prop_oneof![Just(State::Working), Just(State::Closing), Just(State::Panicked)],
        checkpoint in option::of(checkpoint()),
    ) -> Record {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let [pid_namespace, time_namespace, process_started, process_inode, fencing_token, acquired_ns, progress_ns, stale_ms,
            grace_ms, tick_ms, heartbeats, answers, at_least_ms] = numbers;
        Record {
            process_id,
            timestamp: humantime::format_rfc3339_millis(time).to_string(),
            name: bounded_name(&name),
            host: bounded_name(&host),
            boot_id: "6ac19ddb-f518-4c62-91b3-0f3ef62f873a".to_owned(),
            owner: format!("{owner:032x}"),
            acquired: humantime::format_rfc3339_seconds(time).to_string(),
            pid_namespace, time_namespace, process_started, process_inode, fencing_token, acquired_ns, progress_ns, stale_ms,
            grace_ms, tick_ms, heartbeats, answers, at_least_ms, state, checkpoint,
            ..Record::new()
        }
    }
}

/// Whether these bytes are taken for a whole record of ours, and for which.
fn whole(bytes: &[u8]) -> Option<Record> {
    match Content::of(bytes) {
        Content::Record(record) => Some(*record),
        _ => None,
    }
}

proptest! {
    #[test]
    fn any_record_fits_and_is_read_back(record in a_record()) {
        let bytes = record.sealed();
        prop_assert_eq!(bytes.len(), SIZE);
        prop_assert_eq!(Content::of(&bytes), Content::Record(Box::new(record)));
    }

    #[test]
    fn any_bytes_are_judged_and_are_no_record_of_ours(bytes in vec(any::<u8>(), 0..2 * SIZE)) {
        prop_assert_eq!(whole(&bytes), None);
    }

    #[test]
    fn any_bytes_after_the_marker_are_torn(bytes in vec(any::<u8>(), 0..SIZE)) {
        let bytes = [MARKER, &bytes].concat();
        prop_assert_eq!(Content::of(&bytes), Content::Torn);
    }

    /// Whatever is done to a record, it is that record still, or none.
    #[test]
    fn a_changed_record_is_never_another_one(
        record in a_record(),
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
    ) {
        let mut bytes = record.sealed();
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(SIZE)]] {
            let read = whole(bytes);
            prop_assert!(read.is_none_or(|read| read == record));
        }
    }

    /// As a reader finds them while they are written: in pieces, each from one of two records.
    #[test]
    fn a_mixture_of_two_records_is_one_of_them_or_torn(
        (old, new) in (a_record(), a_record()),
        splits in vec(0..SIZE, 1..6),
    ) {
        let (old_bytes, new_bytes) = (old.sealed(), new.sealed());
        let mut mixed = old_bytes.clone();
        for pair in splits.windows(2) {
            let range = pair[0].min(pair[1])..pair[0].max(pair[1]);
            mixed[range.clone()].copy_from_slice(&new_bytes[range]);
        }
        match Content::of(&mixed) {
            Content::Torn => {}
            Content::Record(read) => prop_assert!(*read == old || *read == new),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// What is no record of ours never says that it is.
    #[test]
    fn other_records_are_read_as_such(
        process_id in 1_u32..,
        seconds in 0_u64..=253_402_300_799,
        version in any::<u32>(),
    ) {
        let timestamp = humantime::format_rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let json = format!(r#"{{"process_id":{process_id},"timestamp":"{timestamp}","livinglock":{version}}}"#);
        let Content::Other(record) = Content::of(json.as_bytes()) else {
            return Err(TestCaseError::fail(json));
        };
        prop_assert_eq!((record.livinglock, record.process_id), (0, process_id));
    }

    #[test]
    fn any_timestamp_is_read_or_refused(text in text(), offset in "[+-][0-9]{1,20}:[0-9]{1,20}") {
        for timestamp in [text, format!("2026-11-23T02:43:10{offset}"), offset] {
            let record = Record { timestamp, ..Record::new() };
            // Whether it has a time is the reader's affair: here, that it always comes to an end.
            let _ = record.written();
        }
    }
}
