//! Copies `SQLite` databases while they are in use, checks every copy, and only then gives it its name.
//!
//! ```text
//! cargo run --example db_backup --features sqlite                              # a database made for the occasion
//! cargo run --example db_backup --features sqlite -- shop.db users.db /backup  # these databases, into this folder
//! ```
//!
//! Every step of the copy is a checkpoint with its pages, so whoever asks is told how far the backup is. A database
//! that somebody keeps locked lets no step through, and so no checkpoint: the backup goes stale, and the next run
//! takes over.

mod copy;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use livinglock::checkpoint;
use rusqlite::Connection;

#[livinglock::batch(
    path = std::env::temp_dir().join("livinglock-db_backup.lock"),
    name = "db_backup",
    stale = "10m"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut databases: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let folder = match databases.pop() {
        None => {
            let folder = env::temp_dir().join("livinglock-db_backup");
            fs::create_dir_all(&folder)?;
            databases.push(folder.join("shop.db"));
            make_shop(&databases[0], 200_000)?;
            folder.join("copies")
        }
        Some(_) if databases.is_empty() => {
            return Err("usage: db_backup DATABASE... FOLDER (or nothing, for a database made for the occasion)".into());
        }
        Some(folder) => folder,
    };
    fs::create_dir_all(&folder)?;

    for (done, database) in databases.iter().enumerate() {
        checkpoint!(
            done = done,
            total = databases.len(),
            "{}",
            database.display()
        );
        let copied = copy::back_up(database, &folder)
            .map_err(|error| format!("cannot back up {}: {error}", database.display()))?;
        println!("{}: {copied}", database.display());
    }
    Ok(())
}

/// Makes a database with some orders to copy, unless an earlier run has made it.
fn make_shop(path: &Path, orders: u32) -> rusqlite::Result<()> {
    let mut shop = Connection::open(path)?;
    if shop.table_exists(None, "orders")? {
        return Ok(());
    }
    let transaction = shop.transaction()?;
    transaction.execute_batch(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, cents INTEGER);
         INSERT INTO customers (name) VALUES ('Ada'), ('Grace'), ('Katherine');",
    )?;
    {
        let mut insert =
            transaction.prepare("INSERT INTO orders (customer, cents) VALUES (?1, ?2)")?;
        for order in 0..orders {
            checkpoint!(done = order, total = orders, "making a database");
            insert.execute((order % 3 + 1, order * 7 % 10_000))?;
        }
    }
    transaction.commit()
}
