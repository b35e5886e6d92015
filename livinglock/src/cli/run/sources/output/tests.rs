//! Tests of the copies.

use std::{
    fs,
    process::{Command, Stdio},
};

use super::*;
use crate::cli::run::sources::tests::{Folder, wait_for};

/// Pipes that lead to two files, or to one.
struct Scene {
    folder: Folder,
    output: Output,
}

impl Scene {
    fn new(script: &str, is_one: bool) -> (Self, std::process::Child) {
        let folder = Folder::new();
        let create = |name| File::create(folder.path().join(name)).unwrap();
        let to = create("out");
        let errors_to = if is_one {
            to.try_clone().unwrap()
        } else {
            create("err")
        };
        let (stdout, stderr, output) = Output::between(to, errors_to).unwrap();
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        (Self { folder, output }, child)
    }

    fn read(folder: &Folder, name: &str) -> String {
        fs::read_to_string(folder.path().join(name)).unwrap()
    }
}

/// Runs a script to its end: what it has written to standard output and error.
fn run(script: &str) -> (String, String) {
    let (scene, mut child) = Scene::new(script, false);
    child.wait().unwrap();
    scene.output.finish().unwrap();
    let read = |name| Scene::read(&scene.folder, name);
    (read("out"), read("err"))
}

#[test]
fn every_byte_goes_where_it_should() {
    assert_eq!(
        run("echo a; echo b >&2; printf c"),
        ("a\nc".into(), "b\n".into())
    );
    assert_eq!(run(":"), (String::new(), String::new()));
}

#[test]
fn the_tail_is_not_lost() {
    // More than a pipe holds, and nobody has looked before the end.
    let (mut scene, mut child) = Scene::new("seq 1 200000; printf end", false);
    wait_for("the end of the command", || {
        scene.output.look(&[]).unwrap();
        child.try_wait().unwrap()
    });
    scene.output.finish().unwrap();
    let out = Scene::read(&scene.folder, "out");
    assert!(
        out.lines()
            .take(200_000)
            .eq((1..=200_000).map(|number| number.to_string()))
    );
    assert!(out.ends_with("\n200000\nend"));
    // As much as the pipe holds, all of it left to the end.
    let (out, _) = run("head -c 65536 /dev/zero");
    assert_eq!(out.len(), 65536);
}

#[test]
fn one_place_has_one_order() {
    let script = "for i in 0 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done";
    let (scene, mut child) = Scene::new(script, true);
    child.wait().unwrap();
    scene.output.finish().unwrap();
    let out = Scene::read(&scene.folder, "out");
    let expected = (0..10).flat_map(|i| [format!("out {i}"), format!("err {i}")]);
    assert!(out.lines().eq(expected), "{out}");
}

#[test]
fn what_is_written_is_work_and_its_last_line_the_message() {
    let (mut scene, mut child) = Scene::new("printf 'one\\ntwo\\nthr'; read x", false);
    drop(child.wait());
    let proof = wait_for("a proof", || scene.output.look(&[]).unwrap());
    assert_eq!(proof.message.as_deref(), Some("two"));
    assert_eq!(scene.output.look(&[]).unwrap(), None, "nothing since");
}

#[test]
fn who_holds_the_pipe_open_is_not_waited_for() {
    // One that is silent, and one that never is.
    for rest in ["cat <&3", "exec yes"] {
        let script = format!("exec 3<&0; echo begun; {rest}");
        let folder = Folder::new();
        let create = |name| File::create(folder.path().join(name)).unwrap();
        let (stdout, stderr, mut output) = Output::between(create("out"), create("err")).unwrap();
        let mut background = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap();
        wait_for("its output", || output.look(&[]).unwrap());
        output.finish().unwrap();
        assert!(Scene::read(&folder, "out").starts_with("begun\n"));
        background.kill().unwrap();
        background.wait().unwrap();
    }
}

#[test]
fn without_a_reader_the_command_gets_sigpipe() {
    use std::os::unix::process::ExitStatusExt;

    let (reader, writer) = io::pipe().unwrap();
    let to: File = std::os::fd::OwnedFd::from(writer).into();
    let folder = Folder::new();
    let errors = File::create(folder.path().join("err")).unwrap();
    let (stdout, stderr, mut output) = Output::between(to, errors).unwrap();
    drop(reader);
    let mut child = Command::new("yes")
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .unwrap();
    let status = wait_for("its end", || {
        output.look(&[]).unwrap();
        child.try_wait().unwrap()
    });
    assert_eq!(status.signal(), Some(libc::SIGPIPE));
    output.finish().unwrap();
}

#[test]
fn a_file_that_somebody_made_non_blocking_gets_everything() {
    use std::os::unix::net::UnixStream;

    let (here, there) = UnixStream::pair().unwrap();
    here.set_nonblocking(true).unwrap();
    let mut to = File::from(std::os::fd::OwnedFd::from(here));
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        (&there).read_to_end(&mut bytes).map(|_| bytes)
    });
    let bytes = vec![b'x'; 4 * 1024 * 1024];
    write_all(&mut to, &bytes).unwrap();
    drop(to);
    assert!(reader.join().unwrap().unwrap() == bytes);
}

#[test]
fn lines_are_put_together_and_bounded() {
    let mut line = Line::default();
    let mut take = |text: &str| line.take_in(text.as_bytes());
    assert_eq!(take("a"), None);
    assert_eq!(take("b\n"), Some("ab".into()));
    assert_eq!(take("\n \n\t\r\n"), None, "blank");
    assert_eq!(take("c\nd\n\n"), Some("d".into()));
    assert_eq!(take("e\n\n\nf"), Some("e".into()));
    assert_eq!(take("g\n"), Some("fg".into()));
    assert_eq!(take("10%\r20%\r3"), Some("20%".into()));
    assert_eq!(take("0%\r"), Some("30%".into()));
    assert_eq!(take(&"x".repeat(10 * LONGEST_LINE)), None);
    assert_eq!(take(&"x".repeat(CHUNK)), None);
    assert_eq!(take("y\n"), Some("x".repeat(LONGEST_LINE)));
    assert_eq!(take("z\n"), Some("z".into()));
    assert_eq!(
        line.take_in(b"\xff\x1b[2J\n").as_deref(),
        Some("\u{fffd}\u{1b}[2J")
    );
}
