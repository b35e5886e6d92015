//! What the kernel knows: files, who has locked which byte of them, and which of them the path leads to.

/// How many processes meet.
pub(crate) const PROCESSES: usize = 3;

/// Each process has two files open at most, and one lies at the path.
const FILES: usize = 2 * PROCESSES + 1;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pid(u8);

impl Pid {
    pub(crate) const ALL: [Self; PROCESSES] = [Self(0), Self(1), Self(2)];

    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The same processes by other names: who was `i` is called `renaming[i]`.
pub(crate) type Renaming = [Pid; PROCESSES];

/// Every way to name the processes.
pub(crate) const RENAMINGS: [Renaming; 6] = {
    const NAMES: [[u8; PROCESSES]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let mut renamings = [Pid::ALL; 6];
    let mut at = 0;
    while at < NAMES.len() {
        let [first, second, third] = NAMES[at];
        renamings[at] = [Pid(first), Pid(second), Pid(third)];
        at += 1;
    }
    renamings
};

/// A set of processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pids(u8);

impl Pids {
    pub(crate) fn contains(self, pid: Pid) -> bool {
        self.0 & (1 << pid.0) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn insert(&mut self, pid: Pid) {
        self.0 |= 1 << pid.0;
    }

    fn remove(&mut self, pid: Pid) {
        self.0 &= !(1 << pid.0);
    }

    fn renamed(self, renaming: Renaming) -> Self {
        let mut renamed = Self::default();
        for pid in Pid::ALL {
            if self.contains(pid) {
                renamed.insert(renaming[pid.index()]);
            }
        }
        renamed
    }
}

/// A byte of a lock file that can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Byte {
    Alive,
    Guard,
    Question,
}

/// What a lock file says.
///
/// Who has written it is left out, since that is whoever has byte 0; so are the numbers of heartbeats and answers, since nobody asks
/// more than whether the record is still the one that it has read, which [`File::known_to`] knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Record {
    /// Nothing that can be read.
    #[default]
    Blank,
    /// Has fenced the lock, and has not begun to work.
    Probation,
    Working,
    Closing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct File {
    open_in: Pids,
    locks: [Option<Pid>; 3],
    record: Record,
    /// Who has read the record as it is now.
    known_to: Pids,
}

/// The number of a file, used again when the file is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Inode(u8);

/// All of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kernel {
    path: Option<Inode>,
    files: [File; FILES],
}

impl Kernel {
    fn file(&self, inode: Inode) -> &File {
        &self.files[usize::from(inode.0)]
    }

    fn file_mut(&mut self, inode: Inode) -> &mut File {
        &mut self.files[usize::from(inode.0)]
    }

    pub(crate) fn path(&self) -> Option<Inode> {
        self.path
    }

    /// Opens what the path leads to.
    pub(crate) fn open(&mut self, pid: Pid) -> Option<Inode> {
        let inode = self.path?;
        self.file_mut(inode).open_in.insert(pid);
        Some(inode)
    }

    /// Creates a file that the path does not lead to.
    pub(crate) fn create_aside(&mut self, pid: Pid) -> Inode {
        let inode = (0..)
            .zip(&self.files)
            .map(|(number, file)| (Inode(number), file))
            .find(|(inode, file)| file.open_in.is_empty() && self.path != Some(*inode))
            .map(|(inode, _)| inode)
            .expect("a process has two files open at most");
        self.file_mut(inode).open_in.insert(pid);
        inode
    }

    /// Creates the file at the path, unless there is one.
    pub(crate) fn create(&mut self, pid: Pid) -> Option<Inode> {
        if self.path.is_some() {
            return None;
        }
        self.path = Some(self.create_aside(pid));
        self.path
    }

    /// Closes a file, with every lock on it.
    pub(crate) fn close(&mut self, pid: Pid, inode: Inode) {
        let file = self.file_mut(inode);
        file.open_in.remove(pid);
        file.known_to.remove(pid);
        for lock in &mut file.locks {
            if *lock == Some(pid) {
                *lock = None;
            }
        }
        self.sweep(inode);
    }

    /// Forgets a file that has no name and is open nowhere.
    fn sweep(&mut self, inode: Inode) {
        if self.file(inode).open_in.is_empty() && self.path != Some(inode) {
            *self.file_mut(inode) = File::default();
        }
    }

    /// Lets the path lead to a file, or nowhere.
    pub(crate) fn lead_path(&mut self, to: Option<Inode>) {
        let before = self.path;
        self.path = to;
        if let Some(before) = before {
            self.sweep(before);
        }
    }

    pub(crate) fn holder(&self, inode: Inode, byte: Byte) -> Option<Pid> {
        self.file(inode).locks[byte as usize]
    }

    /// Whether the byte is this process's now.
    pub(crate) fn try_lock(&mut self, pid: Pid, inode: Inode, byte: Byte) -> bool {
        let lock = &mut self.file_mut(inode).locks[byte as usize];
        *lock.get_or_insert(pid) == pid
    }

    pub(crate) fn unlock(&mut self, pid: Pid, inode: Inode, byte: Byte) {
        let lock = &mut self.file_mut(inode).locks[byte as usize];
        if *lock == Some(pid) {
            *lock = None;
        }
    }

    /// Whether a process has any byte of any file.
    pub(crate) fn has_locks(&self, pid: Pid) -> bool {
        self.files
            .iter()
            .any(|file| file.locks.contains(&Some(pid)))
    }

    pub(crate) fn record(&self, inode: Inode) -> Record {
        self.file(inode).record
    }

    pub(crate) fn write(&mut self, inode: Inode, record: Record) {
        let file = self.file_mut(inode);
        file.record = record;
        file.known_to = Pids::default();
    }

    pub(crate) fn read(&mut self, pid: Pid, inode: Inode) -> Record {
        let file = self.file_mut(inode);
        file.known_to.insert(pid);
        file.record
    }

    /// Who has read the record, and would read the same again.
    pub(crate) fn known_to(&self, inode: Inode) -> Pids {
        self.file(inode).known_to
    }

    /// The same with other names for the processes, and the files numbered in this order.
    pub(crate) fn renamed(&self, renaming: Renaming, order: &Numbering) -> Self {
        let mut renamed = Self {
            path: self.path.map(|inode| order.of(inode)),
            ..Self::default()
        };
        for (inode, file) in (0..).map(Inode).zip(&self.files) {
            if order.has(inode) {
                *renamed.file_mut(order.of(inode)) = File {
                    open_in: file.open_in.renamed(renaming),
                    locks: file.locks.map(|lock| lock.map(|pid| renaming[pid.index()])),
                    record: file.record,
                    known_to: file.known_to.renamed(renaming),
                };
            }
        }
        renamed
    }
}

/// New numbers for files, in the order in which they are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbering {
    new: [Option<Inode>; FILES],
    given: u8,
}

impl Numbering {
    /// Gives the file the next number, unless it has one.
    pub(crate) fn number(&mut self, inode: Option<Inode>) {
        let Some(inode) = inode else {
            return;
        };
        let new = &mut self.new[usize::from(inode.0)];
        if new.is_none() {
            *new = Some(Inode(self.given));
            self.given += 1;
        }
    }

    fn has(&self, inode: Inode) -> bool {
        self.new[usize::from(inode.0)].is_some()
    }

    /// The new number of a file that was numbered.
    pub(crate) fn of(&self, inode: Inode) -> Inode {
        self.new[usize::from(inode.0)].expect("every open file is numbered")
    }
}
