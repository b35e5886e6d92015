//! What the figures were measured on.

use std::{fs, path::Path, thread};

/// Prints the kernel, the processor, the number of cores and the file system of the temporary folder.
pub fn print_host() {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown");
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let folder = std::env::temp_dir();
    println!(
        "kernel {}; {}; {cores} cores; {} on {}",
        kernel.trim(),
        cpu.trim_start_matches([' ', '\t', ':']),
        folder.display(),
        file_system(&folder),
    );
}

/// The type of the file system that holds a path, by the longest mount point above it.
fn file_system(path: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map_or_else(
            || "an unknown file system".to_owned(),
            |(_, kind)| kind.to_owned(),
        )
}
