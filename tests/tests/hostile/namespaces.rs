//! Containers: two processes that are both number 1.

use livinglock_tests::wait_until;

use crate::{
    program::{Running, can_unshare, program_under_unshare},
    scratch::Scratch,
};

const OWN_PROCESSES: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];

const ROUNDS: usize = 50;

#[test]
fn of_two_processes_with_number_1_exactly_one_owns() {
    if !can_unshare(&OWN_PROCESSES) {
        return;
    }
    let scratch = Scratch::new();
    let mut owners = 0;
    let mut yields = 0;
    for _ in 0..ROUNDS {
        let mut contenders = [(); 2].map(|()| {
            let mut command = program_under_unshare(&OWN_PROCESSES, "holder");
            Running::start(command.env("LOCK", &*scratch).env("GATE", "1"))
        });
        for contender in &mut contenders {
            contender.expect("ready");
        }
        for contender in &mut contenders {
            contender.tell();
        }
        for contender in &mut contenders {
            let verdict = contender.line();
            if verdict == "owner 1" {
                owners += 1;
            } else {
                let whom = "pid 1 of another PID namespace";
                assert!(
                    verdict.starts_with("busy: ") && verdict.contains(whom),
                    "{verdict}"
                );
                yields += 1;
            }
        }
        for contender in contenders {
            assert_eq!(contender.end().status.code(), Some(0));
        }
        assert!(!scratch.exists(), "it was released");
    }
    println!("{ROUNDS} rounds: {owners} owners, {yields} yields");
    assert_eq!((owners, yields), (ROUNDS, ROUNDS));
}

#[test]
fn a_process_with_number_1_that_is_killed_is_succeeded_at_once() {
    if !can_unshare(&OWN_PROCESSES) {
        return;
    }
    let scratch = Scratch::new();
    let start = || {
        let mut command = program_under_unshare(&OWN_PROCESSES, "holder");
        Running::start(command.env("LOCK", &*scratch))
    };
    let mut first = start();
    first.expect("owner 1");
    // The kernel ends it a moment after `unshare`. The record names a process that is there then: the second holder itself.
    drop(first);
    wait_until("the second owns", || start().line() == "owner 1");
}
