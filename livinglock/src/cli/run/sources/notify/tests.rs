//! Tests of the messages that a command sends.

use std::{
    os::unix::{fs::FileTypeExt, process::CommandExt},
    process::{Command, Stdio},
};

use super::*;
use crate::cli::run::sources::tests::Folder;

/// A listener in a folder of its own, and somebody who talks to it.
struct Conversation {
    notify: Notify,
    command: ServiceManager,
    folder: Folder,
}

impl Conversation {
    fn with(next: Option<ServiceManager>) -> Self {
        let folder = Folder::new();
        let (path, socket) = bind_in(folder.path()).unwrap();
        sys::ask_for_senders(&socket).unwrap();
        let command = ServiceManager::at(path.as_os_str()).unwrap();
        let mut notify = Notify::new(path, socket, next);
        assert_eq!(notify.look(&[]).unwrap(), None);
        Self {
            notify,
            command,
            folder,
        }
    }

    fn new() -> Self {
        Self::with(None)
    }

    fn say(&self, message: impl AsRef<[u8]>) {
        self.command.tell(message.as_ref()).unwrap();
    }

    /// What was proven until all that was said before has been heard.
    fn proof(&mut self) -> Option<Proof> {
        self.command
            .wait_until_heard(Duration::from_secs(60))
            .unwrap();
        self.notify.look(&[]).unwrap()
    }
}

#[test]
fn only_the_watchdog_message_proves_work() {
    let mut conversation = Conversation::new();
    for message in [
        "READY=1",
        "STATUS=busy",
        "STATUS=busier",
        "",
        "STOPPING=1",
        "BARRIER=1",
    ] {
        conversation.say(message);
        assert_eq!(conversation.proof(), None, "{message}");
    }
    conversation.say("WATCHDOG=1");
    assert!(conversation.proof().is_some());
    assert_eq!(conversation.proof(), None, "it has been told");
}

#[test]
fn the_status_stands_until_there_is_another() {
    let mut conversation = Conversation::new();
    conversation.say("STATUS=one");
    conversation.say("WATCHDOG=1");
    let message = |proof: Option<Proof>| proof.expect("a proof").message;
    assert_eq!(message(conversation.proof()).as_deref(), Some("one"));
    conversation.say("WATCHDOG=1\nSTATUS=two");
    assert_eq!(message(conversation.proof()).as_deref(), Some("two"));
    conversation.say("STATUS=\nWATCHDOG=1");
    assert_eq!(message(conversation.proof()), None);
}

#[test]
fn a_checkpoint_comes_whole() {
    let mut conversation = Conversation::new();
    conversation.say(notification::checkpoint(
        "order 12",
        Some((12, 500)),
        Some(("job.sh", 88)),
    ));
    assert_eq!(
        conversation.proof(),
        Some(Proof {
            file: Some("job.sh".to_owned()),
            line: 88,
            message: Some("order 12".to_owned()),
            progress: Some((12, 500)),
            allow: None,
        })
    );
}

#[test]
fn silence_that_was_announced_is_allowed() {
    let mut conversation = Conversation::new();
    let allowed = Some(Duration::from_secs(90));
    conversation.say("EXTEND_TIMEOUT_USEC=90000000");
    assert_eq!(conversation.proof().unwrap().allow, allowed);
    conversation.say("EXTEND_TIMEOUT_USEC=90000000");
    conversation.say(notification::checkpoint("x", None, Some(("job.sh", 3))));
    let proof = conversation.proof().unwrap();
    assert_eq!((proof.line, proof.allow), (3, allowed));
    conversation.say("WATCHDOG=1");
    assert_eq!(conversation.proof().unwrap().allow, None);
}

#[test]
fn whoever_says_that_it_hangs_has_not_worked() {
    let mut conversation = Conversation::new();
    conversation.say("WATCHDOG=1");
    conversation.say("WATCHDOG=trigger");
    assert_eq!(conversation.proof(), None);
    assert!(conversation.notify.listener.heard().is_hung);
    conversation.say("WATCHDOG=1");
    assert!(conversation.proof().is_some());
    assert!(!conversation.notify.listener.heard().is_hung);
}

#[test]
fn rubbish_harms_nobody() {
    let mut conversation = Conversation::new();
    conversation.say([0xff; notification::LONGEST]);
    // Too long: the end is missing, and so nothing of it counts.
    let mut long = b"WATCHDOG=1\nSTATUS=".to_vec();
    long.resize(notification::LONGEST + 1, b'x');
    conversation.say(&long);
    assert_eq!(conversation.proof(), None);
    long.truncate(notification::LONGEST);
    conversation.say(&long);
    assert!(conversation.proof().is_some());
}

#[test]
fn only_the_users_of_the_command_are_heard() {
    let mut conversation = Conversation::new();
    let own = user(process::id());
    let listens_to = |conversation: &Conversation, user| {
        let heard = conversation.notify.listener.heard();
        heard.listens_to(user)
    };
    assert!(listens_to(&conversation, Some(0)) && listens_to(&conversation, own));
    assert!(!listens_to(&conversation, Some(u32::MAX)));
    assert!(!listens_to(&conversation, None));
    // As if we were somebody else, of whom the command has no process yet.
    conversation.notify.listener.heard().users.clear();
    conversation.notify.look(&[]).unwrap();
    assert!(!listens_to(&conversation, own));
    conversation.notify.look(&[process::id()]).unwrap();
    assert!(listens_to(&conversation, own));
}

#[test]
fn another_user_is_heard_once_the_command_has_become_it() {
    const NOBODY: u32 = 65534;
    const SPEAK: &str = r#"socket(S, AF_UNIX, SOCK_DGRAM, 0) or die;
        send(S, "WATCHDOG=1\nSTATUS=$<", 0, sockaddr_un($ARGV[0])) or die "$!"; <STDIN>;"#;
    if sys::effective_user() != 0 {
        eprintln!("SKIPPED: only root can become another user");
        return;
    }
    if is_missing("perl") {
        return;
    }
    let mut notify = Notify::bind().unwrap();
    assert!(notify.path().starts_with("/run"));
    let listener = ServiceManager::at(notify.path().as_os_str()).unwrap();
    // What it says, and how it is taken.
    let mut say = |is_known| {
        let mut command = Command::new("perl")
            .args(["-MSocket", "-e", SPEAK])
            .arg(notify.path())
            .stdin(Stdio::piped())
            .current_dir("/")
            .uid(NOBODY)
            .gid(NOBODY)
            .spawn()
            .unwrap();
        let tree = [command.id()];
        let seen: &[u32] = if is_known { &tree } else { &[] };
        // It may have spoken by now.
        let proof = notify.look(seen).unwrap();
        drop(command.stdin.take());
        assert!(command.wait().unwrap().success());
        listener.wait_until_heard(Duration::from_secs(60)).unwrap();
        proof.or(notify.look(&[]).unwrap())
    };
    assert_eq!(say(false), None);
    say(true);
    let proof = say(false).expect("a proof of somebody who is known by now");
    assert_eq!(proof.message, Some(NOBODY.to_string()));
}

/// Whether a program is not there, which only means something where nobody has promised it.
fn is_missing(program: &str) -> bool {
    let started = Command::new(program).arg("--version").output();
    let is_missing = started.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_missing {
        assert!(env::var("CI").as_deref() != Ok("true"), "needs {program}");
        eprintln!("SKIPPED: needs {program}");
    }
    is_missing
}

#[test]
fn clients_that_know_nothing_of_us_are_understood() {
    // It waits for the closing of the descriptor that comes with its second message, and fails if that lasts.
    let systemd = ["systemd-notify", "WATCHDOG=1", "--status=order 12"];
    // As in the documentation of systemd.
    let python = r#"import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
    sock.connect(os.environ["NOTIFY_SOCKET"])
    sock.sendall(b"WATCHDOG=1\nSTATUS=order 12")
"#;
    for client in [&systemd[..], &["python3", "-c", python]] {
        if is_missing(client[0]) {
            continue;
        }
        let mut conversation = Conversation::new();
        let ended = Command::new(client[0])
            .args(&client[1..])
            .env("NOTIFY_SOCKET", conversation.notify.path())
            .status()
            .unwrap();
        assert!(ended.success(), "{}", client[0]);
        let proof = conversation.proof().expect("a proof");
        assert_eq!(proof.message.as_deref(), Some("order 12"), "{}", client[0]);
    }
}

#[test]
fn a_barrier_falls_when_what_came_before_is_heard() {
    let mut conversation = Conversation::new();
    for line in 1..=50 {
        conversation.say(notification::checkpoint("x", None, Some(("job.sh", line))));
        // Longer than anything takes: it is an error to be late.
        conversation
            .command
            .wait_until_heard(Duration::from_secs(60))
            .unwrap();
        let proof = conversation.notify.look(&[]).unwrap();
        assert_eq!(proof.unwrap().line, line);
    }
    let deaf = conversation.folder.path().join("deaf");
    let _deaf = UnixDatagram::bind(&deaf).unwrap();
    let error = ServiceManager::at(deaf.as_os_str())
        .and_then(|deaf| deaf.wait_until_heard(Duration::from_millis(10)))
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn everybody_finds_the_socket_and_nobody_does_afterwards() {
    let notify = Notify::bind().unwrap();
    let path = notify.path().to_owned();
    let found = fs::metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert!(path.is_absolute() && path.as_os_str().len() < 108);
    ServiceManager::at(path.as_os_str())
        .unwrap()
        .tell(b"WATCHDOG=1")
        .unwrap();
    drop(notify);
    assert!(!path.exists());
}

#[test]
fn what_is_said_goes_on_to_the_next() {
    let folder = Folder::new();
    let path = folder.path().join("systemd");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_nonblocking(true).unwrap();
    let mut conversation = Conversation::with(Some(ServiceManager::at(path.as_os_str()).unwrap()));
    conversation.say("READY=1\nMAINPID=7");
    conversation.say("BARRIER=1");
    conversation.say("WATCHDOG=1\nSTATUS=x");
    // Until it is heard, and so passed on.
    assert!(conversation.proof().is_some());
    for expected in ["READY=1", "WATCHDOG=1\nSTATUS=x"] {
        let mut buffer = [0; 100];
        let length = systemd.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], expected.as_bytes());
    }
    // Nobody there any more: no harm is done.
    drop(systemd);
    conversation.say("WATCHDOG=1");
    assert!(conversation.proof().is_some());
}
