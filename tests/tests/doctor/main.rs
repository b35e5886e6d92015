//! `livinglock doctor`: every finding provoked for real, and nothing changed by looking.

mod disk;
mod holder;
mod machine;
mod place;

use std::{
    env, fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Command,
};

const JOB: &str = env!("CARGO_BIN_EXE_job");
const CLI: &str = env!("CARGO_BIN_EXE_cli");

/// What a doctor has said.
#[derive(Debug)]
struct Diagnosis {
    code: Option<i32>,
    text: String,
}

impl Diagnosis {
    fn of(path: &Path) -> Self {
        Self::by(Command::new(CLI).arg("doctor").arg(path))
    }

    fn by(command: &mut Command) -> Self {
        let output = command.output().expect("run the doctor");
        let errors = String::from_utf8_lossy(&output.stderr);
        Self {
            code: output.status.code(),
            text: String::from_utf8_lossy(&output.stdout).into_owned() + &errors,
        }
    }

    /// Insists that there is a line with this grade that says all of these, and that the exit status is that of all lines.
    #[track_caller]
    fn says(&self, grade: &str, texts: &[&str]) -> &Self {
        let has_line = self.text.lines().any(|line| {
            line.starts_with(&format!("{grade:<8} "))
                && texts.iter().all(|text| line.contains(text))
        });
        assert!(has_line, "no {grade} with {texts:?} in {self:?}");
        let is_unfit = self.text.lines().any(|line| line.starts_with("failure "));
        assert_eq!(self.code, Some(i32::from(is_unfit)), "{self:?}");
        self
    }

    #[track_caller]
    fn is_fit(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("list the folder");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().expect("a name in UTF-8"))
        .collect();
    names.sort();
    names
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set permissions");
}

/// Whether a test can be done here; says so if not, and fails where everything must be tested.
fn can(what: &str, possible: bool) -> bool {
    if !possible {
        assert!(env::var("CI").as_deref() != Ok("true"), "needs {what}");
        println!("SKIPPED: needs {what}");
    }
    possible
}

fn can_be_root() -> bool {
    let own = fs::metadata("/proc/self").expect("look at ourselves");
    can("root", own.uid() == 0)
}

/// Whether a command runs here.
fn can_run(program: &str, arguments: &[&str]) -> bool {
    let tried = Command::new(program).args(arguments).arg("true").output();
    let runs = tried.is_ok_and(|output| output.status.success());
    can(&format!("{program} {}", arguments.join(" ")), runs)
}
