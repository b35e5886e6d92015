//! An observer on a thread of its own: a disk, a terminal or a server that is slow delays neither the pulse nor the job.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use super::News;
use crate::{record::Record, sys};

/// Whoever is told how a run goes.
pub(super) trait Observer: fmt::Debug + Send {
    /// Hears of it, and may take its time. The record is that of the run; of one that yields, the holder's.
    fn hear(&mut self, news: &News, record: Option<&Record>);
}

/// Dealt with once it is dropped, by whoever and for whatever reason.
struct Letter {
    news: News,
    record: Option<Record>,
    post: Arc<Post>,
}

impl Letter {
    fn new(news: &News, record: Option<&Record>, post: &Arc<Post>) -> Self {
        *lock(&post.open) += 1;
        Self {
            news: news.clone(),
            record: record.cloned(),
            post: post.clone(),
        }
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        *lock(&self.post.open) -= 1;
        self.post.dealt.notify_all();
    }
}

/// Where an observer sits. Its thread begins with the first news.
#[derive(Debug)]
pub(super) struct Desk {
    name: &'static str,
    patience: Duration,
    seat: Mutex<Seat>,
    post: Arc<Post>,
}

#[derive(Debug)]
enum Seat {
    Waiting(Box<dyn Observer>),
    Listening(Sender<Letter>),
    /// There can be no thread.
    Empty,
}

/// What lies between those who tell and the one who hears.
#[derive(Debug, Default)]
struct Post {
    /// How many letters were sent that nobody has dealt with.
    open: Mutex<usize>,
    dealt: Condvar,
    /// One of them tells of progress. What comes meanwhile is told by the next one.
    progress: AtomicBool,
}

impl Desk {
    /// An observer with the name of its thread. The end of a job waits for it so long.
    #[allow(dead_code, reason = "the features decide who can be told")]
    pub(super) fn new(
        name: &'static str,
        patience: Duration,
        observer: impl Observer + 'static,
    ) -> Self {
        Self {
            name,
            patience,
            seat: Mutex::new(Seat::Waiting(Box::new(observer))),
            post: Arc::default(),
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Tells the news, and waits for nobody.
    pub(super) fn tell(&self, news: &News, record: Option<&Record>) {
        if matches!(news, News::Progressed) && self.post.progress.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut seat = lock(&self.seat);
        if let Seat::Waiting(_) = *seat
            && let Seat::Waiting(observer) = std::mem::replace(&mut *seat, Seat::Empty)
            && let Some(sender) = self.listen(observer)
        {
            *seat = Seat::Listening(sender);
        }
        if let Seat::Listening(sender) = &*seat {
            // Whoever listened may have panicked.
            let _ = sender.send(Letter::new(news, record, &self.post));
        }
    }

    fn listen(&self, observer: Box<dyn Observer>) -> Option<Sender<Letter>> {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || attend(observer, receiver))
            .is_ok()
            .then_some(sender)
    }

    /// Waits until all was heard, at most so long.
    pub(super) fn wait(&self, patience: Duration) {
        let open = lock(&self.post.open);
        let _ = self
            .post
            .dealt
            .wait_timeout_while(open, patience, |open| *open > 0);
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "what is still in it when the observer panics is dropped with it"
)]
fn attend(mut observer: Box<dyn Observer>, receiver: Receiver<Letter>) {
    sys::block_signals();
    for letter in &receiver {
        if matches!(letter.news, News::Progressed) {
            letter.post.progress.store(false, Ordering::Relaxed);
        }
        observer.hear(&letter.news, letter.record.as_ref());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Hears once it may, and passes on what it heard.
    #[derive(Debug)]
    struct Slow {
        may: Receiver<()>,
        heard: Sender<&'static str>,
    }

    impl Observer for Slow {
        fn hear(&mut self, news: &News, _record: Option<&Record>) {
            let _ = self.may.recv();
            let name = match news {
                News::Progressed => "progressed",
                News::Hung => "hung",
                _ => "other",
            };
            let _ = self.heard.send(name);
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn whoever_tells_waits_for_nobody_and_progress_does_not_pile_up() {
        let (permit, may) = mpsc::channel();
        let (heard, hearing) = mpsc::channel();
        let desk = Desk::new("desk", LONG, Slow { may, heard });
        desk.tell(&News::Yielded, None);
        for _ in 0..1000 {
            desk.tell(&News::Progressed, None);
        }
        desk.tell(&News::Hung, None);
        let begun = Instant::now();
        desk.wait(Duration::from_millis(20));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        for _ in 0..3 {
            permit.send(()).expect("it listens");
        }
        desk.wait(LONG);
        assert_eq!(
            hearing.try_iter().collect::<Vec<_>>(),
            ["other", "progressed", "hung"]
        );
        // All was heard, so the next progress is news.
        desk.tell(&News::Progressed, None);
        permit.send(()).expect("it listens");
        assert_eq!(hearing.recv_timeout(LONG), Ok("progressed"));
    }

    #[derive(Debug)]
    struct Faulty;

    impl Observer for Faulty {
        fn hear(&mut self, _news: &News, _record: Option<&Record>) {
            std::panic::resume_unwind(Box::new("a fault"));
        }
    }

    #[test]
    fn a_panic_of_one_who_listens_keeps_nobody_waiting() {
        let desk = Desk::new("desk", LONG, Faulty);
        desk.tell(&News::Yielded, None);
        let begun = Instant::now();
        desk.wait(LONG);
        desk.tell(&News::Yielded, None);
        desk.wait(LONG);
        assert!(begun.elapsed() < LONG);
    }
}
