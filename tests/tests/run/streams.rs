//! The command finds what it would find without the runner, and is heard as it would be.

use std::{
    fs::{self, File},
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
};

use livinglock_tests::Scene;

use super::{CLI, command, has};

/// What a script writes to both streams, with and without a runner: pipes, a file each, one file for both.
fn outputs(mut command: Command, scene: &Scene) -> Vec<Vec<u8>> {
    let piped = command.output().expect("run the script");
    let (out, err) = (scene.file("out"), scene.file("err"));
    let create = |path| File::create(path).expect("make a file");
    let mut run = |out: File, err: File| {
        let status = command.stdout(out).stderr(err).status();
        assert!(status.expect("run the script").success());
    };
    run(create(&out), create(&err));
    let read = |path| fs::read(path).expect("read the file");
    let files = [read(&out), read(&err)];
    let both = create(&out);
    run(both.try_clone().expect("one file"), both);
    [
        vec![piped.stdout, piped.stderr],
        files.to_vec(),
        vec![read(&out)],
    ]
    .concat()
}

#[test]
fn what_it_writes_is_the_same_byte_for_byte() {
    let scene = Scene::new();
    let script = r"for i in $(seq 300); do printf 'out %s\0\377' $i; printf 'err %s\r' $i >&2; done; head -c 300000 /dev/zero";
    let mut bare = Command::new("sh");
    bare.args(["-c", script]);
    let bare = outputs(bare, &scene);
    assert!(bare[0].len() > 300_000 && bare[1].len() > 2000);
    for beats in [&[][..], &["--beat=output"]] {
        let run = outputs(command(&scene, beats, &["sh", "-c", script]), &scene);
        assert!(
            run == bare,
            "{beats:?}: {:?}",
            run.iter().map(Vec::len).collect::<Vec<_>>()
        );
    }
}

#[test]
fn what_it_reads_is_the_same_byte_for_byte() {
    let scene = Scene::new();
    let bytes: Vec<u8> = (0..1_000_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    for beats in [&[][..], &["--beat=output"]] {
        let mut run = command(&scene, beats, &["cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the runner");
        let (mut stdin, mut stdout) = (
            run.stdin.take().expect("a pipe"),
            run.stdout.take().expect("a pipe"),
        );
        let sent = bytes.clone();
        let writer = thread::spawn(move || stdin.write_all(&sent).expect("write"));
        let mut received = Vec::new();
        stdout.read_to_end(&mut received).expect("read");
        writer.join().expect("the writer does not panic");
        assert!(received == bytes);
        assert!(run.wait().expect("wait").success());
    }
}

/// What the kernel says of a process: its descriptors, signals, groups, mask of permissions, folder and environment.
const PORTRAIT: &str = r#"
ls -l /proc/self/fd > "$SCENE/fds"
sed 's/.* \([0-9]* -> .*\)/\1/; s/pipe:.*/pipe/' "$SCENE/fds" | grep -v /proc/
grep -E '^(Sig(Blk|Ign|Cgt)|Umask|Uid|Gid|Groups|NoNewPrivs)' /proc/self/status
ulimit -a; umask; pwd; env | grep -vE '^(_|SHLVL|PWD|OLDPWD)='
"#;

#[test]
fn it_finds_what_it_would_find_without_us() {
    if !has("bash", "bash") {
        return;
    }
    let scene = Scene::new();
    let portrait = |mut command: Command| {
        let output = command
            .env("SCENE", scene.folder())
            .output()
            .expect("run the script");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let mut bare = Command::new("bash");
    bare.args(["-c", PORTRAIT]);
    let bare = portrait(bare);
    assert!(bare.contains("SigIgn"), "{bare}");
    let quiet = portrait(command(&scene, &["--beat=cpu"], &["bash", "-c", PORTRAIT]));
    assert_eq!(bare, quiet);
    let told = portrait(command(&scene, &[], &["bash", "-c", PORTRAIT]));
    let ours = ["NOTIFY_SOCKET=", "WATCHDOG_USEC="];
    let is_theirs = |line: &&str| !ours.iter().any(|name| line.starts_with(name));
    assert_eq!(
        told.lines().filter(|line| !is_theirs(line)).count(),
        2,
        "{told}"
    );
    let rest: Vec<_> = told.lines().filter(is_theirs).collect();
    assert_eq!(rest, bare.lines().collect::<Vec<_>>());
}

/// As under nohup, and in a program that does not want to hear of its children.
#[test]
fn ignored_signals_stay_ignored() {
    if !has("bash", "bash") {
        return;
    }
    let scene = Scene::new();
    let lock = scene.lock();
    let lock = lock.to_str().expect("a path in UTF-8");
    let ignored = |runner: &[&str]| {
        let script = format!(
            "trap '' HUP CHLD USR1; exec {} sh -c 'grep SigIgn /proc/self/status; exit 7'",
            runner.join(" ")
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .output()
            .expect("run bash");
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        output.stdout
    };
    let bare = ignored(&[]);
    assert_eq!(ignored(&[CLI, "run", lock, "--"]), bare);
}

/// A reader that goes away ends the writer, as it would have.
#[test]
fn a_reader_that_has_gone_is_noticed() {
    let scene = Scene::new();
    for beats in [&["--beat=cpu"][..], &["--beat=output"]] {
        let mut run = command(&scene, beats, &["yes"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the runner");
        let mut stdout = run.stdout.take().expect("a pipe");
        stdout.read_exact(&mut [0; 100]).expect("read");
        drop(stdout);
        assert_eq!(run.wait().expect("wait").code(), Some(141), "{beats:?}");
    }
}

/// A reader that waits for the end of a stream that the command has closed does not wait for us.
#[test]
fn a_stream_that_the_command_closes_is_closed() {
    let scene = Scene::new();
    let mut run = command(&scene, &[], &["sh", "-c", "exec >&-; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("start the runner");
    let mut stdout = run.stdout.take().expect("a pipe");
    let mut text = String::new();
    stdout.read_to_string(&mut text).expect("read to the end");
    assert_eq!(text, "");
    run.kill().expect("kill the runner");
    run.wait().expect("wait");
}
