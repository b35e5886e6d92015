//! A small program in a folder of its own, to be built from nothing or after a change.

use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What would make a build another one than a user's.
const UNWANTED: [&str; 7] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// What a program has besides a loop that adds up numbers.
#[derive(Default)]
pub(crate) struct Source {
    /// Before `fn main`.
    pub(crate) head: &'static str,
    /// At the beginning of `main`.
    pub(crate) first: &'static str,
    /// In its loop.
    pub(crate) each: &'static str,
}

/// A program, and the dependencies that it has.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    source: Source,
    folder: PathBuf,
    /// How many crates the last cold build compiled, the program's own included.
    crates: Cell<usize>,
}

impl Program {
    /// Writes down a program, with the versions that a lockfile has.
    pub(crate) fn write(
        name: &'static str,
        source: Source,
        folder: PathBuf,
        dependencies: &str,
        lockfile: &Path,
    ) -> io::Result<Self> {
        fs::create_dir_all(folder.join("src"))?;
        let package = "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
        let manifest = format!("{package}\n[dependencies]\n{dependencies}\n\n[workspace]\n");
        fs::write(folder.join("Cargo.toml"), manifest)?;
        // Cargo drops from it what others depend on.
        fs::copy(lockfile, folder.join("Cargo.lock"))?;
        Ok(Self {
            name,
            source,
            folder,
            crates: Cell::new(0),
        })
    }

    /// See [`Program::build_cold`].
    pub(crate) fn crates(&self) -> usize {
        self.crates.get()
    }

    /// The time of a build with an empty target folder.
    pub(crate) fn build_cold(&self) -> io::Result<Duration> {
        let target = self.target();
        if target.exists() {
            fs::remove_dir_all(target)?;
        }
        self.change(0)?;
        let (took, said) = self.build()?;
        self.crates.set(said.matches(" Compiling ").count());
        Ok(took)
    }

    /// The time of a build after `main` has changed, to a version that it never had.
    pub(crate) fn build_changed(&self, version: u64) -> io::Result<Duration> {
        self.change(version)?;
        self.build().map(|(took, _)| took)
    }

    fn target(&self) -> PathBuf {
        self.folder.join("target")
    }

    fn change(&self, version: u64) -> io::Result<()> {
        let Source { head, first, each } = &self.source;
        let source = format!(
            "{head}fn main() {{
    {first}
    let mut sum = {version}_u64;
    for order in 0..10_u64 {{
        {each}
        sum += order;
    }}
    println!(\"{{sum}}\");
}}
"
        );
        fs::write(self.folder.join("src/main.rs"), source)
    }

    /// How long cargo took, and what it said.
    fn build(&self) -> io::Result<(Duration, String)> {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--offline", "--color=never"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target())
            .stdin(Stdio::null());
        for unwanted in UNWANTED {
            cargo.env_remove(unwanted);
        }
        let start = Instant::now();
        let output = cargo.output()?;
        let took = start.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok((took, said))
        } else {
            Err(io::Error::other(format!(
                "{} does not build: {said}",
                self.name
            )))
        }
    }
}
