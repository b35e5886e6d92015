//! A table of subjects measured in turn.

use std::time::{Duration, Instant};

/// The rounds of a real measurement, unless its table says otherwise.
const ROUNDS: usize = 300;

/// What one sample should last: long beside a clock reading (20 ns), short beside a time slice (milliseconds).
const SAMPLE: Duration = Duration::from_micros(100);

/// How often to look whether a number of passes fills a sample.
const TRIES: usize = 5;

/// Runs a number of passes and says how long they took.
type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;

/// Makes a run out of something that does a number of passes.
pub fn timed<'a, R>(mut body: impl FnMut(u64) -> R + 'a) -> impl FnMut(u64) -> Duration + 'a {
    move |passes| {
        let start = Instant::now();
        std::hint::black_box(body(std::hint::black_box(passes)));
        start.elapsed()
    }
}

/// What a subject promises.
enum Goal {
    /// At most `times` what a pass of the subject named `of` takes.
    Within { times: f64, of: &'static str },
    /// Each of the `checkpoints` in a pass costs less than `nanos` over the subject named `of`, which has none.
    Net {
        nanos: f64,
        checkpoints: u32,
        of: &'static str,
    },
    /// A pass takes less than this.
    Under { nanos: f64 },
}

/// One row: something to measure, in one or more copies that differ only in their addresses.
pub struct Subject<'a> {
    name: &'static str,
    copies: Vec<Run<'a>>,
    goals: Vec<Goal>,
    /// Of one sample, once calibrated.
    passes: u64,
    /// Nanoseconds per pass of the quickest copy, one per round.
    samples: Vec<f64>,
}

impl<'a> Subject<'a> {
    /// A subject without goals.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            copies: Vec::new(),
            goals: Vec::new(),
            passes: 1,
            samples: Vec::new(),
        }
    }

    /// Adds a copy that says itself how long its passes took.
    #[must_use]
    pub fn copy(mut self, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        self.copies.push(Box::new(run));
        self
    }

    /// Adds copies of one loop at different addresses.
    #[must_use]
    pub fn copies<R: 'a>(self, loops: impl IntoIterator<Item = fn(u64) -> R>) -> Self {
        loops
            .into_iter()
            .fold(self, |subject, body| subject.copy(timed(body)))
    }

    /// Promises at most `times` the time of the subject named `of`.
    #[must_use]
    pub fn within(mut self, times: f64, of: &'static str) -> Self {
        self.goals.push(Goal::Within { times, of });
        self
    }

    /// Promises that each of `checkpoints` in a pass adds less than `nanos` to the subject named `of`.
    #[must_use]
    pub fn net(mut self, nanos: f64, checkpoints: u32, of: &'static str) -> Self {
        self.goals.push(Goal::Net {
            nanos,
            checkpoints,
            of,
        });
        self
    }

    /// Promises a pass in less than `nanos`.
    #[must_use]
    pub fn under(mut self, nanos: f64) -> Self {
        self.goals.push(Goal::Under { nanos });
        self
    }

    /// Finds how many passes fill a sample, warming up on the way.
    fn calibrate(&mut self, sample: Duration) {
        // The quickest of some tries: one that was interrupted looks filled.
        while (0..TRIES)
            .map(|_| self.quickest())
            .min()
            .is_some_and(|took| took < sample)
        {
            self.passes *= 2;
        }
    }

    /// Runs every copy once and tells the time of the quickest.
    fn quickest(&mut self) -> Duration {
        let passes = self.passes;
        self.copies
            .iter_mut()
            .map(|run| run(passes))
            .min()
            .expect("a subject has a copy")
    }

    #[expect(clippy::cast_precision_loss, reason = "pass counts are far below 2^52")]
    fn sample(&mut self) {
        let best = self.quickest();
        self.samples
            .push(best.as_secs_f64() * 1e9 / self.passes as f64);
    }

    fn best(&self) -> f64 {
        self.samples.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median over all rounds of what `pair` makes of this subject's time and another's in the same round.
    fn paired(&self, other: &Self, pair: impl Fn(f64, f64) -> f64) -> f64 {
        median(
            self.samples
                .iter()
                .zip(&other.samples)
                .map(|(mine, theirs)| pair(*mine, *theirs))
                .collect(),
        )
    }
}

/// Subjects that are measured together.
pub struct Table<'a> {
    title: String,
    baseline: Option<&'static str>,
    is_of_pairs: bool,
    rounds: usize,
    sample: Duration,
    unit: Unit,
    subjects: Vec<Subject<'a>>,
}

/// What times are printed in.
struct Unit {
    name: &'static str,
    nanos: f64,
}

const NANOSECONDS: Unit = Unit {
    name: "ns",
    nanos: 1.0,
};

const MILLISECONDS: Unit = Unit {
    name: "ms",
    nanos: 1e6,
};

impl<'a> Table<'a> {
    /// A table whose ratios are to its first subject.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            baseline: None,
            is_of_pairs: false,
            rounds: ROUNDS,
            sample: SAMPLE,
            unit: NANOSECONDS,
            subjects: Vec::new(),
        }
    }

    /// Makes the ratios be to the subject of this name.
    #[must_use]
    pub fn beside(mut self, baseline: &'static str) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Makes the ratios of every second subject be to the one before it.
    #[must_use]
    pub fn pairs(mut self) -> Self {
        self.is_of_pairs = true;
        self
    }

    /// Makes every sample last this long, for subjects that have to start threads or processes first.
    #[must_use]
    pub fn sample(mut self, sample: Duration) -> Self {
        self.sample = sample;
        self
    }

    /// Makes every sample be one pass, in so many rounds and told in milliseconds, for what takes seconds.
    #[must_use]
    pub fn slow(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self.sample = Duration::ZERO;
        self.unit = MILLISECONDS;
        self
    }

    /// Adds a row.
    #[must_use]
    pub fn row(mut self, subject: Subject<'a>) -> Self {
        self.subjects.push(subject);
        self
    }

    /// Measures all subjects in turn and prints the table with every goal met or missed.
    ///
    /// # Panics
    ///
    /// When a goal or the baseline names no subject of this table.
    pub fn run(mut self) {
        let (rounds, sample) = if crate::measuring() {
            (self.rounds, self.sample)
        } else {
            (1, Duration::from_nanos(1).min(self.sample))
        };
        if !sample.is_zero() {
            for subject in &mut self.subjects {
                subject.calibrate(sample);
            }
        }
        let count = self.subjects.len();
        for round in 0..rounds {
            // Another subject begins each round, so that none always runs in the shadow of the same neighbour.
            for turn in 0..count {
                self.subjects[(round + turn) % count].sample();
            }
        }
        self.print(rounds);
    }

    fn print(&self, rounds: usize) {
        let baseline = self
            .baseline
            .map_or(&self.subjects[0], |name| self.find(name));
        let words = if self.is_of_pairs {
            "the row above"
        } else {
            baseline.name
        };
        println!("\n{} ({rounds} rounds; ratios to: {words})\n", self.title);
        let unit = self.unit.name;
        println!("| subject | best {unit} | median {unit} | ratio of best | median ratio | goal |");
        println!("|---|--:|--:|--:|--:|---|");
        for (index, subject) in self.subjects.iter().enumerate() {
            let baseline = if self.is_of_pairs {
                // Of the first one of a pair: itself.
                &self.subjects[index & !1]
            } else {
                baseline
            };
            let goals: Vec<_> = subject
                .goals
                .iter()
                .map(|goal| self.verdict(subject, goal))
                .collect();
            println!(
                "| {} | {} | {} | {:.3} | {:.3} | {} |",
                subject.name,
                figure(subject.best() / self.unit.nanos),
                figure(median(subject.samples.clone()) / self.unit.nanos),
                subject.best() / baseline.best(),
                subject.paired(baseline, |mine, theirs| mine / theirs),
                goals.join("; "),
            );
        }
    }

    fn verdict(&self, subject: &Subject<'_>, goal: &Goal) -> String {
        let (words, met) = match *goal {
            Goal::Within { times, of } => {
                let ratio = subject.paired(self.find(of), |mine, theirs| mine / theirs);
                (
                    format!("{ratio:.3} of {of}, at most {times}"),
                    ratio <= times,
                )
            }
            Goal::Net {
                nanos,
                checkpoints,
                of,
            } => {
                let net = subject.paired(self.find(of), |mine, theirs| mine - theirs)
                    / f64::from(checkpoints);
                (
                    format!("{net:.3} ns each over {of}, under {nanos}"),
                    net < nanos,
                )
            }
            Goal::Under { nanos } => {
                let median = median(subject.samples.clone());
                (format!("under {nanos} ns"), median < nanos)
            }
        };
        format!("{words}: {}", if met { "met" } else { "**missed**" })
    }

    fn find(&self, name: &str) -> &Subject<'a> {
        self.subjects
            .iter()
            .find(|subject| subject.name == name)
            .unwrap_or_else(|| panic!("no subject named {name}"))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Three figures where they mean something.
fn figure(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.0}")
    }
}
