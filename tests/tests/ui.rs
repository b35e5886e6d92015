//! What the compiler says about the uses of the macros, right and wrong.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[test]
fn compile_errors() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}

#[test]
fn compile_errors_are_the_same_in_edition_2021() {
    let package = Package::of_edition("2021", "fail");
    let pinned = |case: &PathBuf| fs::read_to_string(case.with_extension("stderr"));
    let pinned: String = package
        .cases
        .iter()
        .map(|case| pinned(case).expect("what `trybuild` has pinned"))
        .collect();
    let output = package.cargo("check").arg("--keep-going").output();
    let output = output.expect("a run of Cargo");
    let found = errors(&String::from_utf8_lossy(&output.stderr));
    assert!(found.len() > 100, "cases are missing: {found:?}");
    assert_eq!(found, errors(&pinned));
}

#[test]
fn every_shape_runs_in_edition_2021() {
    Package::of_edition("2021", "pass").check();
}

#[test]
fn every_shape_runs_in_edition_2024() {
    Package::of_edition("2024", "pass").check();
}

/// The errors in what the compiler says, each as `case.rs:line:column: error: message`.
fn errors(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with("error"))
        .filter_map(|pair| {
            let (_, place) = pair[1].split_once("ui/fail/")?;
            Some(format!("{place}: {}", pair[0]))
        })
        .collect()
}

/// A package with every case of `ui/pass` or `ui/fail` as a program.
///
/// `trybuild` knows only the edition of this package, and no lints of Clippy.
struct Package {
    folder: PathBuf,
    cases: Vec<PathBuf>,
    programs: Vec<String>,
}

impl Package {
    fn of_edition(edition: &str, kind: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace");
        let name = format!("ui-{kind}-{edition}");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
        let mut manifest = format!(
            "[package]\n\
             name = \"livinglock-{name}\"\n\
             edition = \"{edition}\"\n\
             [workspace]\n\
             [dependencies]\n\
             anyhow = \"1\"\n\
             livinglock = {{ path = \"{}\", features = [\"metrics\", \"ping\", \"postgres\"] }}\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt\"] }}\n",
            root.join("livinglock").display(),
        );
        let (mut cases, mut programs) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(root.join("tests/ui").join(kind)).expect("the cases") {
            let path = entry.expect("a case").path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let case = path.file_stem().expect("a name").to_string_lossy();
            let program = format!("{case}-{edition}");
            writeln!(
                manifest,
                "[[bin]]\nname = {program:?}\npath = \"{}\"",
                path.display()
            )
            .expect("a string takes everything");
            programs.push(program);
            cases.push(path);
        }
        fs::create_dir_all(&folder).expect("the folder of the package");
        fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest");
        // The same versions as everywhere else, all of them downloaded already.
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))
            .expect("the lock file of the workspace");
        Self {
            folder,
            cases,
            programs,
        }
    }

    fn check(&self) {
        assert!(
            self.programs.len() > 15,
            "cases are missing: {:?}",
            self.programs
        );
        if self
            .cargo("clippy")
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
        {
            run(self.cargo("clippy").args([
                "--keep-going",
                "--",
                "--deny=warnings",
                "--deny=clippy::pedantic",
            ]));
        } else {
            eprintln!("SKIPPED: there is no Clippy here");
        }
        run(&mut self.cargo("build"));
        for program in &self.programs {
            let temporary = tempfile::tempdir().expect("a folder for locks");
            run(Command::new(Self::target().join("debug").join(program))
                .env("TMPDIR", temporary.path()));
        }
    }

    fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .arg(command)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Self::target())
            .env("CARGO_NET_OFFLINE", "true");
        cargo
    }

    /// Both editions share their dependencies.
    fn target() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui-target")
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}",
        output.status
    );
}
