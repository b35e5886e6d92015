//! Records in the format of the Go library: `{"process_id": N, "timestamp": "RFC 3339"}`, without a kernel lock.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    process::{Command, Stdio},
    time::Duration,
};

use livinglock::{Lock, Options};
use livinglock_tests::wait_until;

use crate::{assert_refused, innocents::Innocent, program::chain, scratch::Scratch};

/// A time so long ago, as Go writes it in a zone: `2026-11-23T02:43:10.123456789+09:00`.
fn go_time(zone: &str, ago: Duration) -> String {
    let mut date = Command::new("date");
    date.env("TZ", zone)
        .arg(format!("--date=-{} seconds", ago.as_secs()))
        .arg("+%Y-%m-%dT%H:%M:%S.%N%:z");
    let output = date.output().unwrap();
    assert!(output.status.success(), "{date:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn go_record(process_id: u32, timestamp: &str) -> String {
    format!("{{\"process_id\":{process_id},\"timestamp\":\"{timestamp}\"}}")
}

/// Every way in which Go writes a time so long ago.
fn go_times(ago: Duration) -> Vec<String> {
    let utc = go_time("UTC0", ago);
    let (seconds, _) = utc.split_once('.').unwrap();
    vec![
        format!("{seconds}Z"),
        format!("{seconds}.5Z"),
        format!("{seconds}+00:00"),
        utc.replace("+00:00", "Z"),
        go_time("JST-9", ago),
        go_time("NST3:30", ago),
        format!("{}-05:00", &go_time("EST5", ago)[..19]),
    ]
}

const STALE: Duration = Duration::from_secs(60 * 60);

fn options() -> Options {
    Lock::options().stale(STALE)
}

/// The number of a process that has ended and was not reaped.
struct Dead(std::process::Child);

impl Dead {
    fn new() -> Self {
        let mut command = Command::new("cat");
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let stat = format!("/proc/{}/stat", child.id());
        wait_until("it is a zombie", || {
            fs::read_to_string(&stat).unwrap().contains(") Z ")
        });
        Self(child)
    }
}

impl Drop for Dead {
    fn drop(&mut self) {
        self.0.wait().unwrap();
    }
}

#[test]
fn a_fresh_record_of_a_living_process_is_busy() {
    let mut innocent = Innocent::new();
    let future = "2199-12-31T00:00:00Z".to_owned();
    for time in go_times(Duration::from_secs(60))
        .into_iter()
        .chain([future])
    {
        let scratch = Scratch::new();
        let record = go_record(innocent.id(), &time);
        fs::write(&scratch, &record).unwrap();
        let error = options().acquire(&scratch).expect_err(&time);
        assert!(error.is_busy(), "{}", chain(&error));
        let holder = error.holder().expect("who it is");
        assert_eq!(holder.process_id, innocent.id());
        let text = error.to_string();
        assert!(
            text.contains("another library's record") && text.contains(&time),
            "{text}"
        );
        assert_eq!(fs::read_to_string(&scratch).unwrap(), record);
    }
    innocent.assert_unharmed();
}

#[test]
fn a_stale_record_is_succeeded_and_its_process_left_alone() {
    let mut innocent = Innocent::new();
    for time in go_times(STALE + Duration::from_secs(60)) {
        for record in [
            go_record(innocent.id(), &time),
            format!("  {}\n", go_record(innocent.id(), &time)),
        ] {
            let scratch = Scratch::new();
            fs::write(&scratch, &record).unwrap();
            options()
                .acquire(&scratch)
                .unwrap_or_else(|error| panic!("{time}: {error}"))
                .release()
                .unwrap();
            innocent.assert_unharmed();
        }
    }
}

#[test]
fn a_record_of_a_dead_process_is_succeeded_however_fresh() {
    let zombie = Dead::new();
    // Larger than any process number of Linux.
    let nobody = 1 << 30;
    for process_id in [zombie.0.id(), nobody] {
        for ago in [Duration::ZERO, STALE * 2] {
            let scratch = Scratch::new();
            fs::write(&scratch, go_record(process_id, &go_time("UTC0", ago))).unwrap();
            options().acquire(&scratch).unwrap().release().unwrap();
            assert_eq!(scratch.names(), [""; 0]);
        }
    }
}

#[test]
fn a_record_that_is_nearly_one_is_left_as_it_is() {
    let living = std::process::id();
    for record in [
        go_record(living, "2026-11-23 02:43:10"),
        go_record(living, "2026-11-23T02:43:10+9"),
        go_record(living, "2026-11-23T02:43:10+é9:00"),
        go_record(living, "2026-11-23T02:43:10+99999999999999999999:00"),
        go_record(living, "2026-11-23T02:43:10+18446744073709551615:59"),
        go_record(living, "+00:00"),
        go_record(living, ""),
        "{\"process_id\":99999999999,\"timestamp\":\"2026-11-23T02:43:10Z\"}".to_owned(),
        format!("[{}]", go_record(living, "2026-11-23T02:43:10Z")),
        format!("{0}{0}", go_record(living, "2026-11-23T02:43:10Z")),
    ] {
        let scratch = Scratch::new();
        fs::write(&scratch, &record).unwrap();
        assert_refused(&scratch, "use another path");
        assert_eq!(fs::read_to_string(&scratch).unwrap(), record);
        assert_eq!(fs::metadata(&scratch).unwrap().nlink(), 1);
    }
}
