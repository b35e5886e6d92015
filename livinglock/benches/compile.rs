//! What an attribute costs at compile time: a whole cold build of a small program, and one after a change, beside what others ask for.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use livinglock_benches::{Folder, measuring, print_host};

/// Of each program; they take turns.
const COLD_BUILDS: usize = 5;
const CHANGES: usize = 20;

/// A program that counts orders, and what it needs for that.
struct Program {
    name: &'static str,
    dependencies: String,
    head: &'static str,
    body: &'static str,
    folder: PathBuf,
    /// Crates of a cold build, itself included.
    crates: usize,
    cold: Vec<Duration>,
    changed: Vec<Duration>,
}

impl Program {
    fn new(
        name: &'static str,
        dependencies: impl Into<String>,
        head: &'static str,
        body: &'static str,
    ) -> Self {
        Self {
            name,
            dependencies: dependencies.into(),
            head,
            body,
            folder: PathBuf::new(),
            crates: 0,
            cold: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Writes it down, with the versions of everything as they are locked here.
    fn write(&mut self, folder: PathBuf, lockfile: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{}\n\n[workspace]\n",
            self.dependencies
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::copy(lockfile, folder.join("Cargo.lock"))?;
        self.folder = folder;
        self.change(0)
    }

    /// A version of it that differs in a number.
    fn change(&self, number: usize) -> io::Result<()> {
        let source = format!(
            "{}fn main() {{\n    let mut sum = {number}_usize;\n    for order in 0..10_usize {{\n        {}\n        sum += order;\n    }}\n    println!(\"{{sum}}\");\n}}\n",
            self.head, self.body
        );
        fs::write(self.folder.join("src/main.rs"), source)
    }

    /// Builds it; how long that took, and what cargo said.
    fn build(&self) -> io::Result<(Duration, String)> {
        let start = Instant::now();
        let output = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--color=never"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env_remove("RUSTFLAGS")
            .stdin(Stdio::null())
            .output()?;
        let took = start.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            Ok((took, said))
        } else {
            Err(io::Error::other(format!(
                "{} does not build:\n{said}",
                self.name
            )))
        }
    }

    fn build_cold(&mut self) -> io::Result<()> {
        let target = self.folder.join("target");
        if target.exists() {
            fs::remove_dir_all(&target)?;
        }
        let (took, said) = self.build()?;
        self.crates = said.matches(" Compiling ").count();
        self.cold.push(took);
        Ok(())
    }

    fn build_changed(&mut self, number: usize) -> io::Result<()> {
        self.change(number)?;
        let (took, _) = self.build()?;
        self.changed.push(took);
        Ok(())
    }
}

fn programs() -> Vec<Program> {
    let livinglock = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    vec![
        Program::new("bare `fn main`", "", "", ""),
        Program::new(
            "`#[livinglock::batch]`, `checkpoint!`",
            format!("livinglock = {{ path = \"{}\" }}", livinglock.display()),
            "#[livinglock::batch(path = \"/run/program.lock\", stale = \"2h\")]\n",
            "livinglock::checkpoint!(\"order {order}\");",
        ),
        Program::new(
            "`#[tokio::main]`",
            "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
            "#[tokio::main]\nasync ",
            "tokio::task::yield_now().await;",
        ),
        Program::new(
            "`#[tracing::instrument]`",
            "tracing = \"0.1\"",
            "#[tracing::instrument]\n",
            "tracing::trace!(order);",
        ),
        Program::new(
            "`fd-lock` by hand",
            "fd-lock = \"4\"",
            "",
            "let file = std::fs::File::create(\"/run/program.lock\").unwrap();\n        let mut lock = fd_lock::RwLock::new(file);\n        let _guard = lock.try_write().unwrap();",
        ),
    ]
}

fn best(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn print(title: &str, programs: &[Program], times: impl Fn(&Program) -> &[Duration]) {
    println!("\n{title} ({} each)\n", times(&programs[0]).len());
    println!("| program | crates | best ms | median ms | ratio of best |");
    println!("|---|--:|--:|--:|--:|");
    let ours = best(times(&programs[1]));
    for program in programs {
        println!(
            "| {} | {} | {} | {} | {:.2} |",
            program.name,
            program.crates,
            best(times(program)).as_millis(),
            median(times(program)).as_millis(),
            best(times(program)).as_secs_f64() / ours.as_secs_f64()
        );
    }
}

fn main() -> io::Result<()> {
    print_host();
    let (cold_builds, changes) = if measuring() {
        (COLD_BUILDS, CHANGES)
    } else {
        (1, 1)
    };
    let folder = Folder::temporary("compile")?;
    let lockfile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let mut programs = programs();
    for (number, program) in programs.iter_mut().enumerate() {
        program.write(folder.path().join(number.to_string()), &lockfile)?;
    }
    for _ in 0..cold_builds {
        for program in &mut programs {
            program.build_cold()?;
        }
    }
    for change in 1..=changes {
        for program in &mut programs {
            program.build_changed(change)?;
        }
    }
    print(
        "a cold build, unoptimised; ratios to ours",
        &programs,
        |program| &program.cold,
    );
    print("a build after a change", &programs, |program| {
        &program.changed
    });
    Ok(())
}
