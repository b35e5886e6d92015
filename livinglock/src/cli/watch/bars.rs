//! A bar for each lock, on a terminal.

use std::path::PathBuf;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    cli::status::{Seen, Verdict},
    report,
    store::file::Condition,
};

pub(super) struct Bars {
    all: MultiProgress,
    list: Vec<Bar>,
}

struct Bar {
    path: PathBuf,
    shape: Shape,
    drawn: ProgressBar,
}

/// What there is below the line that tells how the lock stands.
#[derive(Clone, Copy)]
enum Shape {
    Nothing,
    Spinner,
    Bar,
}

impl Bars {
    /// Bars on standard output, if that is a terminal on which the cursor can be moved.
    pub(super) fn on_the_terminal() -> Option<Self> {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        (!all.is_hidden()).then_some(Self {
            all,
            list: Vec::new(),
        })
    }

    pub(super) fn show(&mut self, seen: &[Seen]) {
        for seen in seen {
            let known = self.list.iter().position(|bar| bar.path == seen.path);
            let index = known.unwrap_or_else(|| {
                self.list.push(Bar {
                    path: seen.path.clone(),
                    shape: Shape::Nothing,
                    drawn: self.all.add(ProgressBar::hidden()),
                });
                self.list.len() - 1
            });
            self.list[index].show(seen);
        }
    }

    /// Leaves the bars as they are, and the cursor below them.
    pub(super) fn leave(&self) {
        for bar in &self.list {
            bar.drawn.abandon();
        }
    }
}

impl Bar {
    fn show(&mut self, seen: &Seen) {
        let title = match &seen.sight {
            Ok(sight) => report::title(&seen.path, sight),
            Err(error) => report::chain(error),
        };
        // Of a lock that was released the last that was seen stays.
        if let Ok(sight) = &seen.sight
            && let Some(record) = &sight.record
        {
            let checkpoint = record.checkpoint.as_ref();
            let progress = checkpoint.and_then(|it| it.done.zip(it.total));
            self.shape = match progress {
                Some(_) => Shape::Bar,
                None => Shape::Spinner,
            };
            let (done, total) = progress.unwrap_or_default();
            self.drawn.set_length(total);
            self.drawn.set_position(done);
            self.drawn.set_message(report::detail(sight));
        }
        self.drawn.set_style(self.shape.style(seen.verdict()));
        self.drawn.set_prefix(title);
        // A spinner that turned for a lock whose job stands still would tell a lie.
        if let Ok(sight) = &seen.sight
            && sight.condition == Condition::Working
        {
            self.drawn.tick();
        }
    }
}

impl Shape {
    fn style(self, verdict: Verdict) -> ProgressStyle {
        let colour = match verdict {
            Verdict::Held => "green",
            Verdict::Free => "dim",
            Verdict::Left | Verdict::Unknown => "yellow",
            Verdict::Hung => "red",
        };
        let below = match self {
            Self::Nothing => "",
            Self::Spinner => "\n  {spinner} {wide_msg}",
            Self::Bar => "\n  [{bar:32.cyan}] {pos}/{len}  {wide_msg}",
        };
        let style = ProgressStyle::with_template(&format!("{{prefix:.{colour}}}{below}"));
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("#>-")
            .tick_chars(r"-\|/ ")
    }
}
