//! The script from which we were called, as far as its shell's arguments tell.

use std::{fs, os::unix::process::parent_id};

/// Shells whose options are those of `sh`.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"];

/// The script that the parent process runs, or its program if that is no shell.
pub(super) fn of_parent() -> Option<String> {
    let arguments = fs::read(format!("/proc/{}/cmdline", parent_id())).ok()?;
    let arguments = String::from_utf8_lossy(&arguments);
    in_arguments(arguments.split_terminator('\0'))
}

fn in_arguments<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Option<String> {
    let program = arguments.next()?;
    // A login shell's begins with a dash.
    let name = program.rsplit('/').next()?.trim_start_matches('-');
    if !SHELLS.contains(&name) {
        return Some(program.to_owned()).filter(|program| !program.is_empty());
    }
    while let Some(argument) = arguments.next() {
        match argument {
            // An applet: the shell that busybox is asked to be.
            "sh" | "ash" if name == "busybox" => {}
            "--" | "-" => break,
            "--rcfile" | "--init-file" => drop(arguments.next()),
            _ if argument.starts_with("--") => {}
            _ if argument.starts_with(['-', '+']) => {
                // Commands are given, or come from standard input: there is no script.
                if argument.contains(['c', 's']) {
                    return None;
                }
                // The name of an option follows.
                if argument.contains(['o', 'O']) {
                    arguments.next();
                }
            }
            script => return Some(script.to_owned()),
        }
    }
    arguments.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(arguments: &str) -> Option<String> {
        in_arguments(arguments.split(' '))
    }

    #[test]
    fn the_script_is_the_first_argument_that_is_no_option() {
        for arguments in [
            "sh job.sh",
            "/bin/bash job.sh -c x",
            "bash -eu job.sh",
            "bash -euo pipefail job.sh",
            "bash -e -o pipefail +x -O extglob job.sh",
            "bash --norc --rcfile x job.sh",
            "dash -e -- job.sh",
            "busybox sh -e job.sh",
            "-zsh job.sh",
        ] {
            assert_eq!(script(arguments).as_deref(), Some("job.sh"), "{arguments}");
        }
        assert_eq!(script("dash -- -e").as_deref(), Some("-e"));
    }

    #[test]
    fn commands_that_are_no_script_have_no_name() {
        for arguments in [
            "bash",
            "-bash",
            "sh -c x y",
            "bash -ec x",
            "bash -s x",
            "sh --",
            "",
        ] {
            assert_eq!(script(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn another_program_stands_for_itself() {
        assert_eq!(
            script("/usr/bin/make all").as_deref(),
            Some("/usr/bin/make")
        );
    }
}
