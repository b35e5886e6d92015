//! Processor time and transfers of the command's processes as proof of work.
//!
//! A process that sleeps, or waits for a lock, a server or a disk, uses nothing at all; so whatever it uses is taken for work. That
//! includes a loop that spins or polls, and a runtime with housekeeping of its own (Java, Go). Who knows better what work is
//! names another beat.

use std::{collections::HashMap, io};

use super::{Proof, Source};
use crate::process::Usage;

/// Looks at what the processes use.
#[derive(Debug, Default)]
pub(in super::super) struct Cpu {
    seen: HashMap<u32, Usage>,
}

impl Source for Cpu {
    fn look(&mut self, tree: &[u32]) -> io::Result<Option<Proof>> {
        let now: HashMap<u32, Usage> = tree
            .iter()
            .filter_map(|process_id| Some((*process_id, Usage::of(*process_id)?)))
            .collect();
        // Each by itself, since the sum falls when one of them ends.
        let is_work = now
            .iter()
            .any(|(process_id, usage)| has_grown(self.seen.get(process_id), usage));
        self.seen = now;
        Ok(is_work.then(Proof::default))
    }
}

fn has_grown(before: Option<&Usage>, now: &Usage) -> bool {
    let before = before
        .filter(|before| before.started == now.started)
        .copied()
        .unwrap_or_default();
    now.time > before.time || now.transfers > before.transfers
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::{cli::run::sources::tests::wait_for, process};

    /// A process that echoes what it is given, until dropped.
    struct Echo(Child);

    impl Echo {
        fn new() -> Self {
            let mut cat = Command::new("cat");
            let cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped());
            Self(cat.spawn().expect("start cat"))
        }

        fn work(&mut self) {
            let mut byte = [b'x'];
            let (stdin, stdout) = (&mut self.0.stdin, &mut self.0.stdout);
            stdin.as_mut().unwrap().write_all(&byte).unwrap();
            stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        }

        /// After its work it is on the way to its next read, which may take a while on a busy machine.
        fn wait_until_it_rests(&self) {
            wait_for("its rest", || {
                let threads = process::thread_states_of(self.id());
                (threads.first()?.state == "S").then_some(())
            });
        }

        fn id(&self) -> u32 {
            self.0.id()
        }
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn is_work(cpu: &mut Cpu, tree: &[u32]) -> bool {
        cpu.look(tree).expect("look").is_some()
    }

    #[test]
    fn whoever_waits_does_no_work() {
        let mut echo = Echo::new();
        let tree = [echo.id()];
        let mut cpu = Cpu::default();
        echo.work();
        assert!(
            is_work(&mut cpu, &tree),
            "it is new, and has used something"
        );
        for _ in 0..20 {
            echo.wait_until_it_rests();
            is_work(&mut cpu, &tree);
            assert!(!is_work(&mut cpu, &tree));
            echo.work();
            assert!(is_work(&mut cpu, &tree));
        }
    }

    #[test]
    fn the_end_of_a_process_neither_is_work_nor_hides_it() {
        let (mut one, mut other) = (Echo::new(), Echo::new());
        one.work();
        other.work();
        one.wait_until_it_rests();
        let both = [one.id(), other.id()];
        let mut cpu = Cpu::default();
        assert!(is_work(&mut cpu, &both));
        drop(other);
        assert!(!is_work(&mut cpu, &both), "one of them is gone");
        one.work();
        assert!(is_work(&mut cpu, &[one.id()]));
        drop(one);
        assert!(!is_work(&mut cpu, &both), "nobody is left");
    }

    #[test]
    fn what_a_recycled_number_has_used_is_its_own() {
        let before = Usage {
            started: 1,
            time: 100,
            transfers: 100,
        };
        let now = Usage {
            started: 2,
            time: 0,
            transfers: 5,
        };
        assert!(has_grown(Some(&before), &now));
        assert!(!has_grown(Some(&now), &now));
        assert!(!has_grown(None, &Usage::default()));
    }
}
