//! What the threads of a process are doing.

use std::{fs, path::Path};

use super::Stat;
use crate::{record::ThreadState, sys};

/// What every thread of this process but the calling one is doing.
pub(crate) fn thread_states() -> Vec<ThreadState> {
    let own = sys::thread_id();
    let mut threads = states_in(Path::new("/proc/self/task"));
    threads.retain(|thread| thread.id != own);
    threads
}

/// What every thread of another process is doing, as far as we may see it.
pub(crate) fn thread_states_of(process_id: u32) -> Vec<ThreadState> {
    states_in(Path::new(&format!("/proc/{process_id}/task")))
}

fn states_in(tasks: &Path) -> Vec<ThreadState> {
    let Ok(tasks) = fs::read_dir(tasks) else {
        return Vec::new();
    };
    let mut threads: Vec<ThreadState> = tasks
        .filter_map(|task| {
            let task = task.ok()?.path();
            let read = |name: &str| fs::read_to_string(task.join(name)).unwrap_or_default();
            Some(ThreadState {
                id: task.file_name()?.to_str()?.parse().ok()?,
                name: read("comm").trim().to_owned(),
                state: Stat::of(&task)?.state.to_string(),
                waits_in: Some(read("wchan")).filter(|place| !matches!(place.trim(), "" | "0")),
                checkpoint: None,
            })
        })
        .collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}
