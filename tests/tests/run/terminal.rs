//! At a terminal the command has it, as without us, and a shell that controls jobs finds one as usual.

use std::process::Command;

use livinglock_tests::{Scene, hold};

use super::{CLI, has};

/// Plays a dialogue with an interactive shell in a pseudo-terminal: each line is typed once the words before have been seen.
const DIALOGUE: &str = r#"
import os, pty, select, sys, time
cli, lock = sys.argv[1:]
run = f'{cli} run --beat=cpu {lock} --'
dialogue = [
    ('PS1=ready:', 'ready:'),
    (f'{run} sh -c "echo at\\ work; exec cat"', 'at work'),
    ('hello', 'hello\r\nhello'),
    ('\x1a', 'Stopped'),
    ('echo the shell $((6 * 7))', 'the shell 42'),
    ('fg; echo status $?', 'exec cat'),
    ('again', 'again\r\nagain'),
    ('\x03', 'status 130'),
    (f'{run} bash --norc --noediting -i', 'bash'),
    ('echo inner $((6 * 7))', 'inner 42'),
    ('exit 5', 'exit'),
    ('echo status $?', 'status 5'),
    (f'{run} sh -c "echo up $((1 + 1)); exec sleep 600" &', 'up 2'),
    ('echo the shell $((7 * 7))', 'the shell 49'),
    ('kill %1; wait %1; echo status $?', 'status 143'),
    ('exit', 'exit'),
]
shell, terminal = pty.fork()
if shell == 0:
    os.environ['TERM'] = 'dumb'
    os.execvp('bash', ['bash', '--norc', '--noediting', '-i'])
seen = ''
for line, answer in dialogue:
    os.write(terminal, (line + ('' if line < ' ' else '\n')).encode())
    deadline = time.monotonic() + 60
    while answer not in seen:
        if time.monotonic() > deadline:
            sys.exit(f'waited in vain for {answer!r} after {line!r}: {seen!r}')
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 4096).decode()
    seen = seen.split(answer, 1)[1]
os.waitpid(shell, 0)
"#;

#[test]
fn a_shell_controls_a_run_as_any_job() {
    if !has("python3", "python3") || !has("bash", "bash") {
        return;
    }
    let scene = Scene::new();
    let output = Command::new("python3")
        .args(["-c", DIALOGUE, CLI])
        .arg(scene.lock())
        .output()
        .expect("start python3");
    assert!(output.status.success(), "{output:?}");
    // It stays after a stop, but free.
    assert!(hold(&scene.lock()).is_some(), "nobody has it");
}
