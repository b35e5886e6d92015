//! What the threads of this process are doing.

use std::fs;

use super::Stat;
use crate::sys;

/// What one thread of this process is doing.
#[derive(Clone, Debug)]
pub(crate) struct ThreadState {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// The state letter of `/proc/PID/stat`.
    pub(crate) state: char,
    /// The kernel function that it waits in, where the kernel says so.
    pub(crate) waits_in: Option<String>,
}

/// What every thread of this process but the calling one is doing.
pub(crate) fn thread_states() -> Vec<ThreadState> {
    let own = sys::thread_id();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let mut threads: Vec<ThreadState> = tasks
        .filter_map(|task| {
            let task = task.ok()?.path();
            let id = task.file_name()?.to_str()?.parse().ok()?;
            let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
            (id != own).then_some(())?;
            Some(ThreadState {
                id,
                name: read("comm").trim().to_owned(),
                state: Stat::of(&task)?.state,
                waits_in: Some(read("wchan")).filter(|place| !matches!(place.trim(), "" | "0")),
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}
