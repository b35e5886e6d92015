//! A bar for each lock, on a terminal.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{
    cli::status::{Seen, Verdict, print},
    report,
    store::file::Condition,
};

pub(super) struct Bars {
    all: MultiProgress,
    list: Vec<Bar>,
}

struct Bar {
    path: PathBuf,
    drawn: ProgressBar,
    shape: Shape,
}

/// What there is below the line that tells how the lock stands.
#[derive(Clone)]
enum Shape {
    Nothing,
    /// The place of the last checkpoint: beside a spinner while the job works. One that turned all the same would tell a lie.
    Place {
        works: bool,
    },
    /// With the pace beside it.
    Bar(String),
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
            if let Some(bar) = self.list.iter_mut().find(|bar| bar.path == seen.path) {
                bar.show(seen);
                continue;
            }
            let mut bar = Bar::new(&seen.path);
            // Shown first, added then: nothing half made is drawn.
            bar.show(seen);
            self.all.add(bar.drawn.clone());
            self.list.push(bar);
        }
    }

    /// Leaves the bars as they are, and the cursor below them.
    pub(super) fn leave(&self) {
        for bar in &self.list {
            bar.drawn.abandon();
        }
        if !self.list.is_empty() {
            let _ = print("\n");
        }
    }
}

impl Bar {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            drawn: ProgressBar::hidden(),
            shape: Shape::Nothing,
        }
    }

    fn show(&mut self, seen: &Seen) {
        let title = match &seen.sight {
            Ok(sight) => report::title(&seen.path, sight),
            Err(error) => report::chain(error),
        };
        let record = seen.sight.as_ref().ok().and_then(|sight| {
            let record = sight.record.as_ref()?;
            Some((sight, record.checkpoint.as_ref()))
        });
        // Of a lock that was released, the last that was seen stays.
        if let Some((sight, checkpoint)) = record {
            let progress = checkpoint.and_then(|it| it.done.zip(it.total));
            self.shape = match progress {
                Some(_) => Shape::Bar(report::pace(sight)),
                None => Shape::Place {
                    works: sight.condition == Condition::Working,
                },
            };
            let (done, total) = progress.unwrap_or_default();
            self.drawn.update(|state| {
                state.set_pos(done);
                state.set_len(total);
            });
            self.drawn.set_message(report::standing_at(sight));
        } else {
            self.shape.come_to_rest();
        }
        let style = self.shape.clone().style(seen.verdict());
        self.drawn.set_style(style);
        self.drawn.set_prefix(title);
        self.drawn.tick();
    }
}

impl Shape {
    fn come_to_rest(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Place { works } => *works = false,
            Self::Bar(pace) => pace.clear(),
        }
    }

    fn style(self, verdict: Verdict) -> ProgressStyle {
        let colour = match verdict {
            Verdict::Held => "green",
            Verdict::Free => "dim",
            Verdict::Left | Verdict::Unknown => "yellow",
            Verdict::Hung => "red",
        };
        let (below, pace) = match self {
            Self::Nothing => ("", String::new()),
            Self::Place { works: true } => ("\n  {spinner} {wide_msg}", String::new()),
            Self::Place { works: false } => ("\n    {wide_msg}", String::new()),
            Self::Bar(pace) => (
                "\n  [{bar:32.cyan}] {pos}/{len}  {pace}\n  {wide_msg}",
                pace,
            ),
        };
        let write_pace = move |_: &ProgressState, text: &mut dyn fmt::Write| {
            // It fails where memory does.
            let _ = text.write_str(&pace);
        };
        ProgressStyle::with_template(&format!("{{prefix:.{colour}}}{below}"))
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("pace", write_pace)
            .progress_chars("#>-")
            .tick_chars(r"-\|/ ")
    }
}
