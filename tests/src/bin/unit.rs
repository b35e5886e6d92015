//! A command without a lock of its own, which works before the eyes of the witness as its first argument says.

use std::{
    env, hint,
    os::unix::{net::UnixDatagram, process::CommandExt},
    process::Command,
    thread,
};

use livinglock_tests::{Part, wait_until, work_for};

fn main() {
    let part = Part::of_this_process();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["start", program, rest @ ..] = &arguments[..] {
        part.wait_at_the_gate();
        let error = Command::new(program).args(rest).env_remove("GATE").exec();
        panic!("start {program}: {error}");
    }
    let _stay = part.begin();
    match arguments[..] {
        ["work", milliseconds] => {
            work_for(milliseconds.parse().expect("a number"));
        }
        ["until", file] => part.wait_for(file),
        ["sleep"] => loop {
            thread::park();
        },
        ["spin"] => loop {
            hint::spin_loop();
        },
        ["speak", file] => speak(&part, file),
        _ => panic!("unknown behaviour {arguments:?}"),
    }
}

/// Says that it works until the test gives a file, and then hangs.
fn speak(part: &Part, file: &str) {
    let address = env::var_os("NOTIFY_SOCKET").expect("somebody to speak to");
    let socket = UnixDatagram::unbound().expect("a socket");
    wait_until("the test wants silence", || {
        socket
            .send_to(b"WATCHDOG=1\nSTATUS=speaking", &address)
            .expect("speak");
        part.has(file)
    });
    part.note("hung", "");
    loop {
        thread::park();
    }
}
