//! What shells and manuals are told of the commands, and that every command tells it by itself.

use std::{
    env, fs,
    process::{Command, Output},
};

use livinglock_tests::Scene;

const CLI: &str = env!("CARGO_BIN_EXE_cli");

fn run(arguments: &[&str]) -> Output {
    Command::new(CLI)
        .args(arguments)
        .output()
        .expect("run the command line")
}

/// What a command prints that succeeds.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The names of all commands, by the help.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let (list, _) = list.split_once("\n\n").expect("something after the list");
    list.lines()
        // A line that goes on with a description is indented further.
        .filter_map(|line| {
            line.strip_prefix("  ")
                .filter(|line| !line.starts_with(' '))
        })
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Whether a program is here; says so if not, and fails where everything must be tested.
fn has(program: &str) -> bool {
    let has = Command::new(program).arg("--version").output().is_ok();
    if !has {
        assert!(
            env::var("CI").as_deref() != Ok("true"),
            "needs {program}(1)"
        );
        println!("SKIPPED: needs {program}(1)");
    }
    has
}

#[test]
fn every_command_has_an_example_and_its_exit_statuses_in_its_help() {
    let commands = commands();
    for known in ["stop", "wait", "doctor", "completions", "man"] {
        assert!(commands.iter().any(|name| name == known), "{commands:?}");
    }
    for name in &commands {
        let help = printed(&[name, "--help"]);
        let (_, example) = help
            .split_once("Example")
            .unwrap_or_else(|| panic!("no example in the help of {name}"));
        assert!(example.contains(&format!("livinglock {name}")), "{example}");
        assert!(help.contains("Exit status"), "{name}: {help}");
    }
    println!("{} commands: {commands:?}", commands.len());
}

#[test]
fn bash_completes_commands_and_options() {
    if !has("bash") {
        return;
    }
    let scene = Scene::new();
    let script = scene.file("completions");
    fs::write(&script, printed(&["completions", "bash"])).expect("write the script");
    let complete = |words: &str, at: &str| {
        // As the shell does it, after a press of the tabulator.
        let program = "set -e; source \"$1\"; registered=$(complete -p livinglock); \
             read -r -a COMP_WORDS <<<\"$2\"; COMP_CWORD=$3; function=${registered#*-F }; \
             \"${function%% *}\" livinglock \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; \
             printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-c", program, "bash"]);
        let output = bash
            .arg(&script)
            .args([words, at])
            .output()
            .expect("run bash");
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        String::from_utf8(output.stdout).expect("text")
    };
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(lines(complete("livinglock sto", "1")).contains(&"stop".to_owned()));
    assert_eq!(lines(complete("livinglock doct", "1")), ["doctor"]);
    assert_eq!(lines(complete("livinglock stop --fo", "2")), ["--force"]);
    assert_eq!(lines(complete("livinglock completions b", "2")), ["bash"]);
}

#[test]
fn the_completions_of_every_shell_are_sound() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let text = printed(&["completions", shell]);
        for name in commands() {
            assert!(text.contains(&name), "{shell} does not know {name}");
        }
        if !has(shell) {
            continue;
        }
        let scene = Scene::new();
        let script = scene.file("completions");
        fs::write(&script, text).expect("write the script");
        let output = Command::new(shell).arg(check).arg(&script).output();
        let output = output.expect("run the shell");
        assert!(output.status.success(), "{shell}: {output:?}");
        assert!(output.stderr.is_empty(), "{shell}: {output:?}");
    }
    let unknown = run(&["completions", "csh"]);
    assert_eq!(unknown.status.code(), Some(64), "{unknown:?}");
}

#[test]
fn there_is_a_manual_page_for_every_command_and_groff_is_content() {
    let scene = Scene::new();
    let folder = scene.folder().to_str().expect("a path in UTF-8");
    assert_eq!(printed(&["man", folder]), "");
    let of_commands = commands().into_iter();
    let mut pages: Vec<String> = of_commands
        .map(|name| format!("livinglock-{name}.1"))
        .collect();
    pages.push("livinglock.1".to_owned());
    let has_groff = has("groff");
    for page in pages {
        let path = scene.file(&page);
        let text = fs::read_to_string(&path).expect("the page is there");
        let version = concat!("livinglock ", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(version), "{page}: {text}");
        if let Some(name) = page.strip_prefix("livinglock-") {
            let name = name.trim_end_matches(".1");
            assert_eq!(printed(&["man", "--of", name]), text, "{page}");
            assert!(text.contains("Example"), "{page}");
        } else {
            assert_eq!(printed(&["man"]), text, "{page}");
        }
        if has_groff {
            let mut groff = Command::new("groff");
            let output = groff.args(["-man", "-ww", "-Tutf8"]).arg(&path).output();
            let output = output.expect("run groff");
            assert!(output.status.success(), "{page}: {output:?}");
            assert!(output.stderr.is_empty(), "{page}: {output:?}");
        }
    }
    let unknown = run(&["man", "--of", "nothing"]);
    assert_eq!(unknown.status.code(), Some(73), "{unknown:?}");
    let missing = run(&["man", &format!("{folder}/missing")]);
    assert_eq!(missing.status.code(), Some(73), "{missing:?}");
}

/// As in `livinglock man | head -1`.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    if !has("bash") {
        return;
    }
    let program = "set -o pipefail; for what in man 'completions zsh' 'doctor /tmp/nothing.lock'; do \"$1\" $what | true || exit; done";
    let output = Command::new("bash")
        .args(["-c", program, "bash", CLI])
        .output();
    let output = output.expect("run bash");
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}
