//! What the command writes as proof of work.
//!
//! Its standard output and error are pipes, of which threads copy every byte to where the command would have written itself. So it
//! sees no terminal, and its C library may buffer what it would otherwise have written line by line.
//!
//! Once nobody reads the copies any more, the pipe is closed on this side too: the command gets `SIGPIPE`, as it would have.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter, Read, Write},
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::{Proof, Source};
use crate::sys;

/// How much is copied at once: as much as a pipe has room for.
const CHUNK: usize = 64 * 1024;

/// What a pipe may hold at most, unless root has raised `fs.pipe-max-size`.
const LARGEST_PIPE: usize = 1024 * 1024;

/// The beginning of a line of which more than a record has room for is kept.
const LONGEST_LINE: usize = 1024;

/// Copies what the command writes.
#[derive(Debug)]
pub(in super::super) struct Output {
    waiting: Vec<Stream>,
    running: Vec<JoinHandle<()>>,
    /// Closed to say that the command has ended.
    end: Option<PipeWriter>,
    ended: Arc<PipeReader>,
    heard: Arc<Mutex<Heard>>,
}

/// One pipe from the command, and where it leads.
#[derive(Debug)]
struct Stream {
    pipe: PipeReader,
    to: File,
    line: Line,
}

/// What was written since the last look.
#[derive(Debug, Default)]
struct Heard {
    is_anything: bool,
    line: Option<String>,
}

impl Output {
    /// Pipes for the standard output and error of the command, which lead to those of this process. Nothing is copied before the
    /// first look.
    ///
    /// Whoever forks afterwards has to close the ends that are not its own: a pipe of which somebody forgot an end never ends.
    pub(in super::super) fn pipes() -> io::Result<(PipeWriter, PipeWriter, Self)> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        let stderr = io::stderr().as_fd().try_clone_to_owned()?;
        Self::between(stdout.into(), stderr.into())
    }

    fn between(stdout: File, stderr: File) -> io::Result<(PipeWriter, PipeWriter, Self)> {
        let (ended, end) = io::pipe()?;
        let is_one = sys::is_same_open_file(stdout.as_fd(), stderr.as_fd())?;
        let (out, out_writer) = Stream::to(stdout)?;
        let mut waiting = vec![out];
        // What goes to one place goes through one pipe, or its order would be lost.
        let error_writer = if is_one {
            out_writer.try_clone()?
        } else {
            let (error, error_writer) = Stream::to(stderr)?;
            waiting.push(error);
            error_writer
        };
        let output = Self {
            waiting,
            running: Vec::new(),
            end: Some(end),
            ended: Arc::new(ended),
            heard: Arc::default(),
        };
        Ok((out_writer, error_writer, output))
    }

    fn start(&mut self) -> io::Result<()> {
        for stream in self.waiting.drain(..) {
            let (ended, heard) = (Arc::clone(&self.ended), Arc::clone(&self.heard));
            let builder = thread::Builder::new().name("output".to_owned());
            self.running
                .push(builder.spawn(move || stream.copy(&ended, &heard))?);
        }
        Ok(())
    }

    /// Copies what is left in the pipes after the command has ended. A process that still has one of them open is not waited for.
    pub(in super::super) fn finish(mut self) -> io::Result<()> {
        self.start()?;
        drop(self.end.take());
        for thread in self.running.drain(..) {
            // It does not panic, and has nothing to say.
            let _ = thread.join();
        }
        Ok(())
    }
}

impl Source for Output {
    fn look(&mut self, _tree: &[u32]) -> io::Result<Option<Proof>> {
        self.start()?;
        let mut heard = lock(&self.heard);
        let is_work = std::mem::take(&mut heard.is_anything);
        Ok(is_work.then(|| Proof {
            message: heard.line.clone(),
            ..Proof::default()
        }))
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
    fn to(to: File) -> io::Result<(Self, PipeWriter)> {
        let (pipe, writer) = io::pipe()?;
        let line = Line::default();
        Ok((Self { pipe, to, line }, writer))
    }

    fn copy(mut self, ended: &PipeReader, heard: &Mutex<Heard>) {
        sys::block_signals();
        let mut buffer = vec![0; CHUNK];
        let mut left = LARGEST_PIPE;
        loop {
            let files = [self.pipe.as_fd(), ended.as_fd()];
            let Ok([is_readable, is_over]) = sys::wait_readable(files) else {
                return;
            };
            if !is_readable {
                // The command has ended, and the pipe is empty.
                return;
            }
            let bytes = match self.pipe.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            {
                let line = self.line.take_in(bytes);
                let mut heard = lock(heard);
                heard.is_anything = true;
                heard.line = line.or(heard.line.take());
            }
            if write_all(&mut self.to, bytes).is_err() {
                return;
            }
            if is_over {
                // Somebody goes on writing; what was in the pipe at the end has been copied by now.
                left = left.saturating_sub(bytes.len());
                if left == 0 {
                    return;
                }
            }
        }
    }
}

/// Writes all of this, also to a file that somebody else has made non-blocking.
fn write_all(to: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sys::wait_writable(to.as_fd())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A line that is not whole yet.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Line {
    /// Goes on by some bytes; the last line that has become whole by them and is not blank. A progress bar ends its lines by `\r`.
    fn take_in(&mut self, bytes: &[u8]) -> Option<String> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(end) = bytes.iter().rposition(is_end) else {
            self.extend(bytes);
            return None;
        };
        let mut lines = bytes[..end].rsplit(is_end).peekable();
        let mut found = None;
        while let (None, Some(line)) = (&found, lines.next()) {
            let text = if lines.peek().is_some() {
                text(line)
            } else {
                // The first one has begun before.
                self.extend(line);
                text(&self.0)
            };
            found = Some(text).filter(|text| !text.is_empty());
        }
        self.0.clear();
        self.extend(&bytes[end + 1..]);
        found
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LONGEST_LINE - self.0.len();
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

fn text(line: &[u8]) -> String {
    let line = &line[..line.len().min(LONGEST_LINE)];
    String::from_utf8_lossy(line).trim().to_owned()
}

#[cfg(test)]
mod tests;
