#![deny(warnings, clippy::all, clippy::pedantic)]

use std::{env, io};

#[livinglock::batch(path = env::temp_dir().join("livinglock-ui-result.lock"))]
fn main() -> io::Result<()> {
    if env::current_dir()?.as_os_str().is_empty() {
        return Err(io::Error::other("no current directory"));
    }
    Ok(())
}
