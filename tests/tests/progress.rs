//! The bar of a job that counts its work: on a terminal, and nowhere else.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use livinglock_tests::{Scene, wait_until};
use nix::pty::{Winsize, openpty};

const JOB: &str = env!("CARGO_BIN_EXE_job");

/// A job on a terminal of 100 columns.
struct OnScreen {
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    /// Open, so that the terminal stays when the job has ended.
    _theirs: OwnedFd,
}

impl OnScreen {
    fn start(scene: &Scene, behaviour: &[&str], variables: &[(&str, &str)]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("open a terminal");
        let stream = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        let child = Command::new(JOB)
            .args(behaviour)
            .env("SCENE", scene.folder())
            .env("TERM", "xterm-256color")
            .envs([("STALE_MS", "60000"), ("HEARTBEAT_MS", "20")])
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .expect("start the job");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let copy = shown.clone();
        let mut ours = File::from(pty.master);
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = ours.read(&mut piece) {
                copy.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Self {
            child,
            shown,
            _theirs: pty.slave,
        }
    }

    /// All that was sent to the terminal.
    fn sent(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// What stands on the screen now.
    fn lines(&self) -> Vec<String> {
        screen(&self.sent())
    }

    #[track_caller]
    fn wait_until_it_shows(&self, text: &str) -> String {
        let mut found = None;
        wait_until(&format!("the screen shows {text:?}"), || {
            found = self.lines().into_iter().find(|line| line.contains(text));
            found.is_some()
        });
        found.unwrap()
    }

    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let mut status = None;
        wait_until("the job ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        // What it sent last may still be on its way.
        let mut before = self.sent();
        wait_until("the terminal is still", || {
            thread::sleep(std::time::Duration::from_millis(50));
            before.len() == std::mem::replace(&mut before, self.sent()).len()
        });
        (status.unwrap().code(), self.lines())
    }
}

impl Drop for OnScreen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal shows to which this was sent, as far as bars use it.
fn screen(sent: &str) -> Vec<String> {
    let mut lines = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = sent.chars();
    while let Some(character) = rest.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                let mut sequence = String::new();
                for character in rest.by_ref() {
                    sequence.push(character);
                    if character.is_ascii_alphabetic() {
                        break;
                    }
                }
                let number = |default| {
                    let digits = sequence.trim_matches(|it: char| !it.is_ascii_digit());
                    digits.parse::<usize>().unwrap_or(default)
                };
                match sequence.chars().last() {
                    Some('A') => row = row.saturating_sub(number(1)),
                    Some('B') => row += number(1),
                    Some('C') => column += number(1),
                    Some('D') => column = column.saturating_sub(number(1)),
                    Some('K') => lines[row].clear(),
                    _ => {}
                }
            }
            _ => {
                let line: &mut Vec<char> = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    let line = |line: Vec<char>| line.into_iter().collect::<String>().trim_end().to_owned();
    lines.into_iter().map(line).collect()
}

const ASKED: (&str, &str) = ("PROGRESS", "1");

#[test]
fn a_job_that_counts_has_a_bar() {
    let scene = Scene::new();
    let job = OnScreen::start(&scene, &["work", "1000000", "1"], &[ASKED]);
    let bar = job.wait_until_it_shows("/s, about ");
    assert!(bar.starts_with("job ["), "{bar}");
    assert!(bar.contains("/1000000 (0%), "), "{bar}");
    assert!(bar.contains(" left  unit "), "{bar}");
}

#[test]
fn what_is_printed_stays_whole_and_the_bar_goes_with_the_job() {
    let scene = Scene::new();
    let job = OnScreen::start(&scene, &["print", "20"], &[ASKED]);
    let bar = job.wait_until_it_shows("20/20 (100%)");
    assert!(
        bar.starts_with("job [################################] 20/20 (100%)"),
        "{bar}"
    );
    // Meanwhile others come, and the holder has something to say.
    let newcomer = scene.job(JOB, &["work", "1", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    scene.give("end");
    let sent = job.sent();
    assert!(
        sent.matches("20 (").count() > 3,
        "it was drawn now and then: {sent:?}"
    );
    let (code, lines) = job.end();
    assert_eq!(code, Some(0));
    let printed: Vec<String> = (0..20).map(|unit| format!("printed {unit}")).collect();
    let lines: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, printed.iter().collect::<Vec<_>>());
}

#[test]
fn a_report_comes_above_the_bar() {
    let scene = Scene::new();
    let job = OnScreen::start(
        &scene,
        &["print", "3"],
        &[ASKED, ("WARN_MS", "100"), ("GRACEFUL", "1")],
    );
    let report = job.wait_until_it_shows("made no checkpoint for");
    assert!(report.starts_with("livinglock: "), "{report}");
    job.wait_until_it_shows("3/3 (100%)");
}

#[test]
fn without_the_key_there_is_none() {
    let scene = Scene::new();
    let job = OnScreen::start(&scene, &["work", "50", "1"], &[]);
    assert_eq!(job.end(), (Some(0), vec![String::new()]));
}

#[test]
fn on_a_pipe_there_is_none() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["work", "50", "1"]).heartbeat(20);
    let ended = job.set(ASKED.0, ASKED.1).spawn().wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}
