//! The processes of a server: started, stopped and killed by their numbers.

use std::{
    env, fs, io,
    path::PathBuf,
    process::{Child, Command},
    sync::{LazyLock, mpsc},
    thread,
};

use nix::{sys::signal, unistd::Pid};

use crate::{Signal, is_running, running::stat, wait_until};

/// The file of a program that is in one of the folders for such.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

type Birth = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a process that asks to be killed when its parent ends.
///
/// The kernel takes the *thread* for the parent that has started it, and each test has a thread of its own; this one stays for as long
/// as there are tests.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    static MOTHER: LazyLock<mpsc::Sender<Birth>> = LazyLock::new(|| {
        let (mother, births) = mpsc::channel::<Birth>();
        thread::spawn(move || {
            for (mut command, child) in births {
                // Whoever asked waits for it.
                let _ = child.send(command.spawn());
            }
        });
        mother
    });
    let (sender, child) = mpsc::channel();
    MOTHER.send((command, sender)).expect("its thread lives");
    child.recv().expect("its thread lives")
}

/// Whether it is this process that listens at a port of 127.0.0.1.
pub(super) fn listens(process_id: u32, port: u16) -> bool {
    const LISTENING: &str = "0A";
    let local = format!("0100007F:{port:04X}");
    let sockets = fs::read_to_string("/proc/net/tcp").expect("list the sockets");
    let Some(inode) = sockets.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(1) == Some(&local.as_str()) && fields.get(3) == Some(&LISTENING))
            .then(|| fields.get(9).copied())?
    }) else {
        return false;
    };
    let socket = PathBuf::from(format!("socket:[{inode}]"));
    fs::read_dir(format!("/proc/{process_id}/fd")).is_ok_and(|files| {
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == socket))
    })
}

/// Stops a process and all that it has started. None of them runs when this returns.
pub(super) fn stop_still(root: u32) {
    let mut stopped = Vec::new();
    loop {
        // Parents first. Who stands still starts nobody, so that in the end there is nobody new.
        let mut new = tree(root);
        new.retain(|id| !stopped.contains(id));
        if new.is_empty() {
            break;
        }
        for id in new {
            signal(id, Signal::SIGSTOP);
            wait_until("the server stands still", || {
                stands_still(id) || !is_running(&id.to_string())
            });
            stopped.push(id);
        }
    }
}

/// Lets a process and all that it has started go on.
pub(super) fn go_on(root: u32) {
    for id in tree(root).into_iter().rev() {
        signal(id, Signal::SIGCONT);
    }
}

/// Kills a process and all that it has started, all of them standing still: to their clients and to each other they die at once.
pub(super) fn kill(child: &mut Child) {
    if child.try_wait().expect("look at the server").is_none() {
        stop_still(child.id());
        // Children first: as long as their parents stand there, who do not reap them, their numbers are nobody else's.
        for id in tree(child.id()).into_iter().skip(1).rev() {
            signal(id, Signal::SIGKILL);
            wait_until("a process of the server ends", || {
                !is_running(&id.to_string())
            });
        }
    }
    child.kill().expect("kill the server");
    child.wait().expect("reap the server");
}

/// Sends a signal, unless there is no such process any more.
pub(super) fn signal(id: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(id).expect("a process id"));
    match signal::kill(id, signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
        Err(error) => panic!("send {signal} to {id}: {error}"),
    }
}

/// A process and all that it has started and that run, parents first.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .expect("list the processes")
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let parent = stat(id)?.get(1)?.parse().ok()?;
            is_running(&id.to_string()).then_some((id, parent))
        })
        .collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        let children = parents.iter().filter(|(_, its)| *its == parent);
        tree.extend(children.map(|(id, _)| *id));
        next += 1;
    }
    tree
}

/// Whether all threads of a process are stopped.
fn stands_still(id: u32) -> bool {
    fs::read_dir(format!("/proc/{id}/task")).is_ok_and(|tasks| {
        tasks.flatten().all(|task| {
            let thread = task.file_name();
            stat(format!("{id}/task/{}", thread.display()))
                // It has ended meanwhile.
                .is_none_or(|fields| fields.first().is_some_and(|state| state == "T"))
        })
    })
}
