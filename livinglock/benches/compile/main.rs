//! What an attribute costs at compile time: a small program built from nothing, and after a change, beside what other attributes and other
//! locks ask for.

mod program;

use std::{io, path::Path, time::Duration};

use livinglock_benches::{Folder, Subject, Table, print_host};
use program::{Program, Source};

/// Builds from nothing take seconds.
const COLD_ROUNDS: usize = 5;
const CHANGED_ROUNDS: usize = 31;

const BARE: &str = "bare `fn main`";
const OURS: &str = "`#[livinglock::batch]`, `checkpoint!`";
const TOKIO: &str = "`#[tokio::main]`";

fn programs(folder: &Path) -> io::Result<[Program; 5]> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lockfile = package.join("../../Cargo.lock");
    let livinglock = format!(
        "livinglock = {{ path = \"{}\" }}",
        package.join("..").display()
    );
    let write = |name, place: &str, dependencies: &str, source| {
        Program::write(name, source, folder.join(place), dependencies, &lockfile)
    };
    Ok([
        write(BARE, "bare", "", Source::default())?,
        write(
            OURS,
            "livinglock",
            &livinglock,
            Source {
                head: "#[livinglock::batch(path = \"/run/program.lock\", stale = \"2h\")]\n",
                each: "livinglock::checkpoint!(\"order {order}\");",
                ..Source::default()
            },
        )?,
        write(
            TOKIO,
            "tokio",
            "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }",
            Source {
                head: "#[tokio::main]\nasync ",
                each: "tokio::task::yield_now().await;",
                ..Source::default()
            },
        )?,
        write(
            "`#[tracing::instrument]`",
            "tracing",
            "tracing = \"0.1\"",
            Source {
                head: "#[tracing::instrument]\n",
                each: "tracing::trace!(order);",
                ..Source::default()
            },
        )?,
        write(
            "`fd-lock` by hand",
            "fd-lock",
            "fd-lock = \"4\"",
            Source {
                first: "let file = std::fs::File::create(\"/run/program.lock\").unwrap();
    let mut lock = fd_lock::RwLock::new(file);
    let _guard = lock.try_write().unwrap();",
                ..Source::default()
            },
        )?,
    ])
}

/// The programs take turns to be built.
fn table<'a>(
    title: &str,
    rounds: usize,
    programs: &'a [Program],
    build: impl Fn(&Program, u64) -> io::Result<Duration> + Copy + 'a,
    goal: impl Fn(Subject<'a>) -> Subject<'a>,
) {
    let table = Table::new(title).slow(rounds);
    programs
        .iter()
        .map(|program| {
            let mut version = 0;
            let subject = Subject::new(program.name).copy(move |_| {
                version += 1;
                build(program, version).unwrap_or_else(|error| panic!("{error}"))
            });
            if program.name == OURS {
                goal(subject)
            } else {
                subject
            }
        })
        .fold(table, Table::row)
        .run();
}

fn main() -> io::Result<()> {
    print_host();
    let folder = Folder::temporary("compile")?;
    let programs = programs(folder.path())?;
    table(
        "a debug build from nothing",
        COLD_ROUNDS,
        &programs,
        |program, _| program.build_cold(),
        |ours| ours.within(1.0, TOKIO),
    );
    println!("\n| program | crates compiled, its own included |\n|---|--:|");
    for program in &programs {
        println!("| {} | {} |", program.name, program.crates());
    }
    table(
        "a debug build after a change of `main`",
        CHANGED_ROUNDS,
        &programs,
        Program::build_changed,
        |ours| ours.within(1.25, BARE),
    );
    Ok(())
}
