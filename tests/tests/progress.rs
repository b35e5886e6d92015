//! The bar of a job that counts its work: on a terminal, and nowhere else.

use std::process::{Command, Stdio};

use livinglock_tests::{Heard, Scene, terminal, wait_until};

const JOB: &str = env!("CARGO_BIN_EXE_job");

/// Starts a job on a terminal.
fn start(scene: &Scene, behaviour: &[&str], variables: &[(&str, &str)]) -> Heard {
    let (ours, theirs) = terminal();
    let mut command = Command::new(JOB);
    command
        .args(behaviour)
        .env("SCENE", scene.folder())
        .env("TERM", "xterm-256color")
        .envs([("STALE_MS", "60000"), ("HEARTBEAT_MS", "20")])
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(theirs.try_clone().expect("a descriptor"))
        .stderr(theirs);
    Heard::start(command, ours)
}

/// Waits until this stands on the screen; the whole line.
#[track_caller]
fn wait_until_it_shows(job: &Heard, text: &str) -> String {
    let mut found = None;
    wait_until(&format!("the screen shows {text:?}"), || {
        let lines = screen(&job.text());
        found = lines.into_iter().find(|line| line.contains(text));
        found.is_some()
    });
    found.unwrap()
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
    let job = start(&scene, &["work", "1000000", "1"], &[ASKED]);
    // Its end, since it may come in pieces.
    let bar = wait_until_it_shows(&job, " left  unit ");
    assert!(bar.starts_with("job ["), "{bar}");
    assert!(bar.contains("/1000000 (0%), "), "{bar}");
    assert!(bar.contains("/s, about "), "{bar}");
}

#[test]
fn what_is_printed_stays_whole_and_the_bar_goes_with_the_job() {
    let scene = Scene::new();
    let job = start(&scene, &["print", "20"], &[ASKED]);
    let bar = wait_until_it_shows(&job, "20/20 (100%)");
    assert!(
        bar.starts_with("job [################################] 20/20 (100%)"),
        "{bar}"
    );
    // Meanwhile others come, and the holder has something to say.
    let newcomer = scene.job(JOB, &["work", "1", "1"]).spawn().wait();
    assert_eq!(newcomer.code, Some(42), "{newcomer:?}");
    scene.give("end");
    let sent = job.text();
    assert!(
        sent.matches("20 (").count() > 3,
        "it was drawn now and then: {sent:?}"
    );
    let (status, sent) = job.end();
    assert_eq!(status.code(), Some(0));
    let lines = screen(&sent);
    let printed: Vec<String> = (0..20).map(|unit| format!("printed {unit}")).collect();
    let lines: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, printed.iter().collect::<Vec<_>>());
}

#[test]
fn a_report_comes_above_the_bar() {
    let scene = Scene::new();
    let job = start(
        &scene,
        &["print", "3"],
        &[ASKED, ("WARN_MS", "100"), ("GRACEFUL", "1")],
    );
    let report = wait_until_it_shows(&job, "made no checkpoint for");
    assert!(report.starts_with("livinglock: "), "{report}");
    wait_until_it_shows(&job, "3/3 (100%)");
}

#[test]
fn without_the_key_there_is_none() {
    let scene = Scene::new();
    let job = start(&scene, &["work", "50", "1"], &[]);
    let (status, sent) = job.end();
    assert_eq!((status.code(), &*sent), (Some(0), ""));
}

#[test]
fn on_a_pipe_there_is_none() {
    let scene = Scene::new();
    let job = scene.job(JOB, &["work", "50", "1"]).heartbeat(20);
    let ended = job.set(ASKED.0, ASKED.1).spawn().wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
}
