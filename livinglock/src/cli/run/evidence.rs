//! What the command proves, by all its sources together, in the form of a checkpoint.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    sources::{Beat, Cpu, Notify, Output, Proof, Source, TouchedFile},
    words::Variable,
};
use crate::{
    error::{Error, Result},
    gate::Passed,
    report, service_manager,
    site::Site,
};

/// Looks at all that counts as proof of a command's work.
pub(super) struct Evidence {
    sources: Vec<Watched>,
    output: Option<Output>,
    is_in_processes: bool,
    variables: Vec<Variable>,
    streams: Vec<OwnedFd>,
    /// The last place, message and progress that were told. A proof without them does not take them back.
    told: Passed,
    files: Files,
    /// Until then the command may be silent, by its own word.
    allowed: Option<Instant>,
}

struct Watched {
    source: Box<dyn Source>,
    /// That it cannot be looked at was said.
    failed: bool,
}

impl Evidence {
    /// Prepares for these beats of a command that is called by this name.
    pub(super) fn of(beats: &[Beat], name: &str, lock: &Path, stale: Duration) -> Result<Self> {
        let failed = |error| Error::io("watch the command under", lock, error);
        let mut files = Files::default();
        let mut evidence = Self {
            sources: Vec::new(),
            output: None,
            is_in_processes: false,
            variables: Vec::new(),
            streams: Vec::new(),
            told: files.site(name, 0).into(),
            files,
            allowed: None,
        };
        for beat in beats {
            match beat {
                Beat::Cpu => {
                    evidence.is_in_processes = true;
                    evidence.add(Cpu::default());
                }
                Beat::File(path) => evidence.add(TouchedFile::at(path).map_err(failed)?),
                Beat::Notify => {
                    let notify = Notify::bind()?;
                    evidence.is_in_processes = true;
                    evidence.variables = vec![
                        (service_manager::VARIABLE.into(), Some(notify.path().into())),
                        (WATCHDOG.0.into(), Some(watchdog(stale))),
                        (WATCHDOG.1.into(), None),
                    ];
                    evidence.add(notify);
                }
                Beat::Output => {
                    let (stdout, stderr, output) = Output::pipes().map_err(failed)?;
                    evidence.streams = vec![stdout.into(), stderr.into()];
                    evidence.output = Some(output);
                }
            }
        }
        Ok(evidence)
    }

    fn add(&mut self, source: impl Source + 'static) {
        self.sources.push(Watched {
            source: Box::new(source),
            failed: false,
        });
    }

    /// What the command is given: changes to its environment, and its standard output and error if they are not ours.
    pub(super) fn given(&mut self) -> (Vec<Variable>, Vec<OwnedFd>) {
        let variables = std::mem::take(&mut self.variables);
        (variables, std::mem::take(&mut self.streams))
    }

    /// Whether the processes of the command are looked at.
    pub(super) fn is_in_processes(&self) -> bool {
        self.is_in_processes
    }

    /// Whether what the command writes goes through our hands.
    pub(super) fn copies_output(&self) -> bool {
        self.output.is_some()
    }

    /// The checkpoint that was passed since the last look, if any was. `tree` are the command's processes.
    pub(super) fn look(&mut self, tree: &[u32]) -> Option<Passed> {
        let mut proofs = Vec::new();
        for Watched { source, failed } in &mut self.sources {
            match source.look(tree) {
                Ok(proof) => proofs.extend(proof),
                Err(error) => {
                    if !*failed {
                        report::say(&report::run::blind(&error));
                    }
                    *failed = true;
                }
            }
        }
        if let Some(output) = &mut self.output {
            // It only starts its threads, and those are tried again.
            proofs.extend(output.look(tree).ok().flatten());
        }
        let is_proven = !proofs.is_empty();
        for proof in proofs {
            self.take_in(proof);
        }
        let is_allowed = self.allowed.is_some_and(|until| Instant::now() < until);
        (is_proven || is_allowed).then(|| self.told.clone())
    }

    fn take_in(&mut self, proof: Proof) {
        if let Some(file) = proof.file {
            // Another place: what was told of the last one has nothing to do with it.
            self.told = self.files.site(&file, proof.line).into();
        }
        self.told.message = proof.message.or(self.told.message.take());
        self.told.progress = proof.progress.or(self.told.progress);
        if let Some(allowed) = proof.allow {
            self.allowed = Instant::now().checked_add(allowed);
        }
    }

    /// Looks no more, and leaves nothing behind.
    pub(super) fn close(&mut self) {
        self.sources.clear();
    }

    /// Copies the last of what the command has written.
    pub(super) fn finish(&mut self) {
        if let Some(output) = self.output.take()
            && let Err(error) = output.finish()
        {
            report::say(&report::run::blind(&error));
        }
    }
}

/// By which a service manager tells how often it wants to hear of a service, and which process of it.
const WATCHDOG: (&str, &str) = ("WATCHDOG_USEC", "WATCHDOG_PID");

/// How long the command may say nothing, in microseconds: clients take half of it. No longer than our own service manager allows.
fn watchdog(stale: Duration) -> OsString {
    let ours = stale.as_micros();
    let around = env::var(WATCHDOG.0).ok().and_then(|text| text.parse().ok());
    let is_for_us = env::var(WATCHDOG.1).map_or(true, |id| id == std::process::id().to_string());
    let shortest = around
        .filter(|_| is_for_us)
        .map_or(ours, |around| ours.min(around));
    shortest.to_string().into()
}

/// The names of the files in which places were told: kept for ever, so that there can be so many and no more.
#[derive(Default)]
struct Files(HashMap<String, &'static str>);

impl Files {
    const MOST: usize = 256;

    /// A place in a file.
    fn site(&mut self, file: &str, line: u32) -> Site {
        let name = match self.0.get(file) {
            Some(name) => name,
            None if self.0.len() >= Self::MOST => "(too many files)",
            None => {
                let name: &'static str = Box::leak(file.into());
                self.0.insert(file.to_owned(), name);
                name
            }
        };
        Site::new(name, line, 0, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        Evidence::of(&[], "nightly", Path::new("/lock"), Duration::from_secs(1))
            .expect("nothing to prepare")
    }

    fn told(evidence: &Evidence) -> (&str, u32, Option<&str>, Option<(u64, u64)>) {
        let Passed {
            site,
            message,
            progress,
        } = &evidence.told;
        (site.file, site.line, message.as_deref(), *progress)
    }

    #[test]
    fn what_was_told_stands_until_something_else_is() {
        let mut evidence = evidence();
        assert_eq!(told(&evidence), ("nightly", 0, None, None));
        evidence.take_in(Proof {
            file: Some("import.sh".into()),
            line: 12,
            message: Some("order 7".into()),
            progress: Some((7, 10)),
            allow: None,
        });
        evidence.take_in(Proof::default());
        assert_eq!(
            told(&evidence),
            ("import.sh", 12, Some("order 7"), Some((7, 10)))
        );
        evidence.take_in(Proof {
            message: Some("order 8".into()),
            ..Proof::default()
        });
        assert_eq!(
            told(&evidence),
            ("import.sh", 12, Some("order 8"), Some((7, 10)))
        );
        evidence.take_in(Proof {
            file: Some("import.sh".into()),
            line: 20,
            ..Proof::default()
        });
        assert_eq!(told(&evidence), ("import.sh", 20, None, None));
    }

    #[test]
    fn only_an_allowed_silence_is_a_checkpoint() {
        let mut evidence = evidence();
        assert!(evidence.look(&[]).is_none());
        evidence.take_in(Proof {
            allow: Some(Duration::from_secs(3600)),
            ..Proof::default()
        });
        assert!(evidence.look(&[]).is_some());
        evidence.take_in(Proof {
            allow: Some(Duration::ZERO),
            ..Proof::default()
        });
        assert!(evidence.look(&[]).is_none());
    }

    #[test]
    fn names_of_files_are_kept_once_and_bounded() {
        let mut files = Files::default();
        let one = files.site("a.sh", 1);
        assert!(std::ptr::eq(one.file, files.site("a.sh", 2).file));
        let names: Vec<_> = (0..1000)
            .map(|number| files.site(&format!("{number}.sh"), 1).file)
            .collect();
        assert_eq!((names[0], names[999]), ("0.sh", "(too many files)"));
        assert_eq!(files.site("a.sh", 3).file, "a.sh");
    }
}
