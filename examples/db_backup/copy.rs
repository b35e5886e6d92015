//! The copy of one database.

use std::{
    error::Error,
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use livinglock::{checkpoint, try_checkpoint};
use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};

/// Pages copied between two checkpoints: with the usual pages of 4 KiB, 1 MiB.
const PAGES_A_STEP: i32 = 256;

/// How long to let a writer go on before the next try.
const PAUSE: Duration = Duration::from_millis(50);

/// Virtual machine instructions of `SQLite` between two checkpoints in a query.
const INSTRUCTIONS_A_CHECKPOINT: i32 = 100_000;

/// What was copied, and verified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) to: PathBuf,
    pub(crate) pages: i32,
    pub(crate) tables: usize,
    pub(crate) rows: i64,
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            to,
            pages,
            tables,
            rows,
        } = self;
        write!(
            f,
            "{pages} pages, {tables} tables, {rows} rows copied to {}; integrity ok",
            to.display()
        )
    }
}

/// Copies a database into the folder under its own name.
///
/// The copy is written aside, verified, and then renamed: a backup of an earlier run is whole until a newer whole one
/// replaces it.
///
/// # Errors
///
/// The database cannot be read, the copy cannot be written, or it is not what was copied.
pub(crate) fn back_up(database: &Path, folder: &Path) -> Result<Copied, Box<dyn Error>> {
    let to = folder.join(database.file_name().ok_or("it has no file name")?);
    if same_file(database, &to) {
        return Err("it is already in the backup folder; name another folder".into());
    }
    let aside = with_suffix(&to, ".partial");
    remove_leftovers(&aside)?;

    let mut source = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    prove_work_in_queries(&source)?;
    // Everything below sees one snapshot: a commit of somebody else neither changes the count nor restarts the copy.
    let snapshot = source.transaction()?;
    let expected = count_rows(&snapshot)?;
    let pages = copy_pages(&snapshot, &aside, database)?;
    drop(snapshot);

    let found = verify(&aside)?;
    if found != expected {
        return Err(format!("the copy has {found:?} (table, rows) and not {expected:?}").into());
    }
    fs::rename(&aside, &to)?;
    // The new name survives a power failure only once the folder is on the disk.
    File::open(folder)?.sync_all()?;

    Ok(Copied {
        to,
        pages,
        tables: found.len(),
        rows: found.iter().map(|(_, rows)| rows).sum(),
    })
}

fn copy_pages(source: &Connection, aside: &Path, database: &Path) -> Result<i32, Box<dyn Error>> {
    let mut target = Connection::open(aside)?;
    let pages = {
        let backup = Backup::new(source, &mut target)?;
        loop {
            let step = backup.step(PAGES_A_STEP)?;
            let progress = backup.progress();
            let done = progress.pagecount - progress.remaining;
            match step {
                // Nothing was copied, so nothing is proved: no checkpoint here.
                StepResult::Busy | StepResult::Locked => thread::sleep(PAUSE),
                StepResult::Done => break progress.pagecount,
                _ => checkpoint!(
                    done = done,
                    total = progress.pagecount,
                    "copying {}",
                    database.display()
                ),
            }
        }
    };
    // Closing may write the last pages; dropping would hide that it failed.
    target.close().map_err(|(_, error)| error)?;
    Ok(pages)
}

/// Checks the copy as a whole, and counts what is in it.
fn verify(copy: &Path) -> Result<Vec<(String, i64)>, Box<dyn Error>> {
    let copy = Connection::open(copy)?;
    prove_work_in_queries(&copy)?;
    let verdict: String = copy.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if verdict != "ok" {
        return Err(format!("the copy is damaged: {verdict}").into());
    }
    let rows = count_rows(&copy)?;
    copy.close().map_err(|(_, error)| error)?;
    Ok(rows)
}

/// The tables and how many rows each has.
fn count_rows(database: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut tables = database.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name",
    )?;
    let names = tables
        .query_map((), |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    let count = |name: String| {
        checkpoint!("counting {name}");
        let quoted = name.replace('"', "\"\"");
        let rows =
            database.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), (), |row| {
                row.get(0)
            })?;
        Ok((name, rows))
    };
    names.into_iter().map(count).collect()
}

/// Puts a checkpoint inside the long queries. Nothing may unwind through `SQLite`: a stop interrupts the query instead.
fn prove_work_in_queries(database: &Connection) -> rusqlite::Result<()> {
    database.progress_handler(
        INSTRUCTIONS_A_CHECKPOINT,
        Some(|| try_checkpoint!("in a query").is_err()),
    )
}

/// Removes what a killed run has left. The lock says that it is nobody's work in progress.
fn remove_leftovers(aside: &Path) -> io::Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(with_suffix(aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a database, removed at the end.
    struct Shop(PathBuf);

    impl Shop {
        fn new(test: &str) -> Self {
            let folder = std::env::temp_dir().join(format!(
                "livinglock-db_backup-{}-{test}",
                std::process::id()
            ));
            fs::create_dir_all(folder.join("copies")).unwrap();
            crate::make_shop(&folder.join("shop.db"), 5000).unwrap();
            Self(folder)
        }

        fn database(&self) -> PathBuf {
            self.0.join("shop.db")
        }

        fn copies(&self) -> PathBuf {
            self.0.join("copies")
        }

        fn names_of_copies(&self) -> Vec<String> {
            let entries = fs::read_dir(self.copies()).unwrap();
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        }
    }

    impl Drop for Shop {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_copy_holds_every_row() {
        let shop = Shop::new("whole");
        let copied = back_up(&shop.database(), &shop.copies()).unwrap();
        assert_eq!((copied.tables, copied.rows), (2, 5003));
        assert_eq!(shop.names_of_copies(), ["shop.db"]);
        let sum = "SELECT sum(cents * id) FROM orders";
        let [original, copy] = [shop.database(), copied.to].map(|path| {
            Connection::open(path)
                .unwrap()
                .query_row(sum, (), |row| row.get::<_, i64>(0))
                .unwrap()
        });
        assert_eq!(original, copy);
    }

    #[test]
    fn a_commit_during_the_copy_is_not_in_it() {
        let shop = Shop::new("writer");
        let writer = Connection::open(shop.database()).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        let mut source = Connection::open(shop.database()).unwrap();
        let snapshot = source.transaction().unwrap();
        let expected = count_rows(&snapshot).unwrap();

        writer
            .execute("INSERT INTO customers (name) VALUES ('Mary')", ())
            .unwrap();
        let aside = shop.copies().join("shop.db.partial");
        copy_pages(&snapshot, &aside, &shop.database()).unwrap();
        assert_eq!(verify(&aside).unwrap(), expected);

        assert_eq!(
            back_up(&shop.database(), &shop.copies()).unwrap().rows,
            5004
        );
        assert_eq!(shop.names_of_copies(), ["shop.db"]);
    }

    #[test]
    fn leftovers_of_a_killed_run_do_no_harm() {
        let shop = Shop::new("leftovers");
        for name in [
            "shop.db.partial",
            "shop.db.partial-journal",
            "shop.db.partial-wal",
        ] {
            fs::write(shop.copies().join(name), "half a page").unwrap();
        }
        back_up(&shop.database(), &shop.copies()).unwrap();
        assert_eq!(shop.names_of_copies(), ["shop.db"]);
    }

    #[test]
    fn a_damaged_database_leaves_the_older_copy_alone() {
        let shop = Shop::new("damaged");
        let good = back_up(&shop.database(), &shop.copies()).unwrap();
        let mut bytes = fs::read(shop.database()).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        fs::write(shop.database(), bytes).unwrap();
        assert!(back_up(&shop.database(), &shop.copies()).is_err());
        let rows: i64 = verify(&good.to).unwrap().iter().map(|(_, rows)| rows).sum();
        assert_eq!(rows, 5003);
    }

    #[test]
    fn a_missing_database_is_an_error_and_is_not_made() {
        let shop = Shop::new("missing");
        assert!(back_up(&shop.0.join("none.db"), &shop.copies()).is_err());
        assert!(!shop.0.join("none.db").exists());
        assert_eq!(shop.names_of_copies(), [""; 0]);
    }

    #[test]
    fn a_database_is_never_copied_over_itself() {
        let shop = Shop::new("itself");
        let error = back_up(&shop.database(), &shop.0).unwrap_err().to_string();
        assert!(error.contains("name another folder"), "{error}");
        assert_eq!(verify(&shop.database()).unwrap().len(), 2);
    }
}
