//! Holds the lock file named by its argument until its standard input ends: the other process that makes a lock busy.

use std::io::{Read, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or("usage: holder LOCK_FILE")?;
    let lock = livinglock::Lock::options().acquire(&path)?;
    writeln!(std::io::stdout(), "held")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    lock.release()?;
    Ok(())
}
