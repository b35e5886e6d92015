//! Reads every compressed backup to its end, to see whether it could be restored, and lets others know how that goes.
//!
//! ```text
//! cargo run --example verify --features observed                # on a terminal with a bar; backups made for the occasion
//! cargo run --example verify --features observed -- /backup     # the `*.gz` of this folder
//! truncate -s 100 /tmp/livinglock-verify/backup-17.gz           # the next run fails, with exit status 1
//! PING_URL=https://hc-ping.com/your-uuid cargo run --example verify --features observed
//!
//! cargo run -p livinglock --features cli -- history /tmp/livinglock-verify.jsonl
//! cat /tmp/livinglock-verify.prom
//! ```
//!
//! Bar, metrics, journal and pings cost no line in the loop: all of them know of the job what its checkpoints say.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use livinglock::{checkpoint, suspend_progress};

#[livinglock::batch(
    path = env::temp_dir().join("livinglock-verify.lock"),
    name = "verify",
    stale = "10m",
    heartbeat = "200ms",
    progress,
    metrics = env::temp_dir().join("livinglock-verify.prom"),
    history = env::temp_dir().join("livinglock-verify.jsonl"),
    ping = env::var("PING_URL").unwrap_or_default()
)]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let backups = match env::args_os().nth(1) {
        Some(folder) => backups_in(Path::new(&folder))?,
        None => make_backups(40)?,
    };
    let (mut bytes, mut damaged) = (0, 0);
    for (done, backup) in backups.iter().enumerate() {
        let name = backup.file_name().unwrap_or_default().display();
        checkpoint!(done = done, total = backups.len(), "{name}");
        match read_to_the_end(backup) {
            Ok(read) => bytes += read,
            Err(error) => {
                damaged += 1;
                // Whatever prints while there is a bar does it this way, so that neither tears the other.
                suspend_progress(|| println!("verify: {name} is damaged: {error}"));
            }
        }
    }
    let count = backups.len();
    suspend_progress(|| {
        println!("verify: {bytes} bytes of {count} backups can be restored, {damaged} damaged");
    });
    Ok(ExitCode::from(u8::from(damaged > 0)))
}

/// The length of what was compressed. The format ends with a checksum, which the decoder compares.
fn read_to_the_end(backup: &Path) -> io::Result<u64> {
    thread::sleep(Duration::from_millis(100)); // real ones are larger
    io::copy(
        &mut MultiGzDecoder::new(File::open(backup)?),
        &mut io::sink(),
    )
}

fn backups_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("gz")));
    paths.sort();
    Ok(paths)
}

/// Makes some backups, unless an earlier run has made them.
fn make_backups(count: usize) -> io::Result<Vec<PathBuf>> {
    let folder = env::temp_dir().join("livinglock-verify");
    fs::create_dir_all(&folder)?;
    for number in 1..=count {
        let path = folder.join(format!("backup-{number:02}.gz"));
        if !path.exists() {
            write_backup(&path, number)?;
        }
    }
    backups_in(&folder)
}

fn write_backup(path: &Path, number: usize) -> io::Result<()> {
    let mut backup = GzEncoder::new(File::create(path)?, Compression::default());
    for order in 0..100 * number {
        writeln!(backup, "order {order}, {} cents", order * 7919 % 10_000)?;
    }
    backup.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_cannot_be_restored() {
        let path =
            env::temp_dir().join(format!("livinglock-verify-test-{}.gz", std::process::id()));
        write_backup(&path, 1).unwrap();
        let whole = fs::read(&path).unwrap();
        assert!(read_to_the_end(&path).unwrap() > 2000);
        for kept in [whole.len() - 1, whole.len() / 2, 3] {
            fs::write(&path, &whole[..kept]).unwrap();
            assert!(read_to_the_end(&path).is_err(), "{kept} bytes");
        }
        fs::remove_file(&path).unwrap();
    }
}
