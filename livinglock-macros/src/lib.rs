//! The macros of `livinglock`. Use them through that crate, where the checkpoints are as well.

mod args;
mod attribute;
mod checkpoint;
mod coverage;
mod duration;
mod expand;
mod item;
mod loops;
mod scan;
mod settings;
mod suggestion;

use proc_macro::TokenStream;

/// Runs a function under a lock: never twice at the same time, never hanging unnoticed.
///
/// ```no_run
/// # fn import(file: &std::fs::DirEntry) -> std::io::Result<()> { file.metadata().map(drop) }
/// #[livinglock::batch(path = "/run/nightly.lock", stale = "2h")]
/// fn main() -> std::io::Result<()> {
///     for file in std::fs::read_dir("/srv/incoming")? {
///         let file = file?;
///         livinglock::checkpoint!("file {}", file.path().display());
///         import(&file)?;
///     }
///     Ok(())
/// }
/// ```
///
/// While another process holds the lock and passes checkpoints, the function yields: it does not run. A holder that has passed no
/// checkpoint for `stale` is taken over from; the lock of one that crashed is free at once.
///
/// # Arguments
///
/// Literals are checked while compiling. Every key that has a type here also takes an expression of it; on a function it may use the
/// arguments.
///
/// | key | type | meaning | default |
/// |---|---|---|---|
/// | `path = "/run/x.lock"` | `AsRef<Path>` | the lock file; a literal must be absolute, because cron starts jobs in an unspecified directory | this or `store` is required |
/// | `store = "postgres://db1/app"` | a URL, or `Store` | the store, of a lock that many machines share; which lock is told by `#name` at the end of the URL, or else by `name` | |
/// | `stale = "2h"` | `Duration` | no checkpoint for this long means hung | 1h |
/// | `heartbeat = "5m"` | `Duration` | the least time between two heartbeats written; shorter than half of `stale` | 1m, or `stale`/10 if that is shorter |
/// | `wait = "30s"` | `Duration` | wait for a busy lock this long before yielding | do not wait |
/// | `busy = 75` | `u8` | the exit status of `main` when it yields | 0 |
/// | `quiet` | `bool` | yield without the line on stderr | `false` |
/// | `on_busy = expr` | the return type | what a function other than `main` returns when it yields | see below |
/// | `on_stale = "fence"` | `OnStale` | what to do with a stale holder that does not answer: `"terminate"`, `"fence"` or `"report"` | `"terminate"` on `main`, `"fence"` elsewhere |
/// | `grace = "10s"` | `Duration` | the time from a request to stop until the job is ended: to reach a checkpoint, and to clean up | 10s |
/// | `warn = "30m"` | `Duration` | the holder itself reports a stretch without checkpoints this long | `stale`/2 |
/// | `at_most = "6h"` | `Duration` | the longest run: then the job is stopped at its next checkpoint, and after `grace` ended | no limit |
/// | `at_least = "14m"` | `Duration` | the shortest hold: after a shorter run the lock stays busy for the rest of it; shorter than `at_most` | zero |
/// | `replace` | `bool` | ask a working holder to stop, then run, instead of yielding to it | `false` |
/// | `mode = 0o600` | `u32` | the permissions of the lock file | `0o600` |
/// | `network_fs` | `bool` | allow the lock file on a network file system, where a partition can mean two owners | `false` |
/// | `graceful` | `bool` | SIGTERM, SIGINT and SIGHUP stop the job at its next checkpoint; a second one ends the process at once | `false` |
/// | `margin = "10s"` | `Duration` | with `store`: how long before the lease can run out nobody works under it any more | 8 ticks, 1s at least, and some more; see `Options::margin` |
/// | `metrics = "/x.prom"` | `AsRef<Path>` | with the feature `metrics`: the file for the textfile collector of `node_exporter`; its name ends in `.prom`; none if it is empty | `""` |
/// | `history = "/x.jsonl"` | `AsRef<Path>` | with the feature `metrics`: the journal of runs, which `livinglock history` shows; none if it is empty | `""` |
/// | `progress` | `bool` | with the feature `progress`: a bar on the terminal of a job that counts its work | `false` |
/// | `ping = "https://hc-ping.com/uuid"` | `AsRef<str>` | with the feature `ping`: the URL that is pinged when a run begins, and how it ends; nobody if it is empty | `""` |
/// | `coverage = "deny"` | | a loop without a checkpoint is a compile error | `"off"`; see [below](#coverage) |
/// | `name = "nightly"` | `AsRef<str>` | shown in records and reports | the package for `main`, else the path of the function |
/// | `crate = ::path` | | where `livinglock` is, if not at `::livinglock` | `::livinglock` |
///
/// A duration is written as numbers with units, like `"90s"`, `"45m"`, `"2h 30m"` or `"1d"`; `wait`, `grace` and `at_least` may be
/// zero. A key that is a `bool` may stand alone for `true`.
///
/// # On `main`
///
/// Every return type that `main` can have works, and the exit status is that of the body. It is `busy` instead when the lock is
/// busy, 73 when the lock cannot be created or read, 75 when it was lost on the way, 124 when the run took longer than `at_most`,
/// and 128 + N when it was stopped gracefully by signal N.
///
/// An `async fn main` needs the attribute of its runtime, best below this one. The lock is taken before the runtime starts.
///
/// ```ignore
/// #[livinglock::batch(path = "/run/nightly.lock")]
/// #[tokio::main]
/// async fn main() {}
/// ```
///
/// # On other functions
///
/// The lock is held from before the body until everything in it is dropped. Where it is not to be had,
///
/// * a function that returns a `Result` returns the error, converted by `?` from `livinglock::Error`;
/// * one that returns an `Option` returns `None`, and one that returns nothing returns, both after a line on stderr;
/// * any other one has to say what it returns: `on_busy = ..`, which may be given for the former as well.
///
/// ```no_run
/// # struct Tenant { name: String }
/// # impl Tenant {
/// #[livinglock::batch(path = format!("/run/{}.lock", self.name), wait = "5m", on_busy = 0)]
/// fn import(&self, files: &[String]) -> usize {
///     files.iter().inspect(|file| livinglock::checkpoint!("file {file}")).count()
/// }
/// # }
/// ```
///
/// These are told apart by the last word of the return type. So is what counts as a failure, for whoever is told by `metrics`, `history` or
/// `ping` how a run ended: an `Err` of a `Result`. A function named `main` without arguments is taken for the one of the
/// program wherever it is.
///
/// # On asynchronous functions
///
/// The future carries the lock along, whichever thread polls it, and no thread of the runtime waits for a lock or a server: that is done
/// on one of its own. A future that is polled no more proves no work, so its lock is taken over; one that is dropped before its end
/// releases it, and the next run is told that it was stopped. A stop unwinds through the future, which runtimes report as a panic of the task: its
/// payload is the `livinglock::Stop`.
///
/// ```no_run
/// #[livinglock::batch(path = "/run/mail.lock", stale = "10m")]
/// async fn mail(letters: Vec<String>) -> Result<(), livinglock::Error> {
///     for letter in letters {
///         livinglock::checkpoint!("to {letter}");
///         send(&letter).await;
///     }
///     Ok(())
/// }
/// # async fn send(_letter: &str) {}
/// ```
///
/// # Coverage
///
/// With `coverage = "deny"` each `for`, `while` and `loop` in the body, also in closures and functions within it, has to have a
/// `checkpoint!` or `try_checkpoint!` inside. One in an inner loop covers the outer ones as well, and so does one in the condition of
/// `while`. A loop that needs none, because it is short, is exempted by
/// [`#[livinglock::no_checkpoint]`](macro@no_checkpoint) directly before it.
///
/// ```no_run
/// # fn import(order: &str) {}
/// #[livinglock::batch(path = "/run/nightly.lock", coverage = "deny")]
/// fn main() {
///     let mut orders = Vec::new();
///     #[livinglock::no_checkpoint]
///     for order in std::env::args().skip(1) {
///         orders.push(order);
///     }
///     for order in &orders {
///         livinglock::checkpoint!("order {order}");
///         import(order);
///     }
/// }
/// ```
///
/// ```compile_fail
/// #[livinglock::batch(path = "/run/nightly.lock", coverage = "deny")]
/// fn main() {
///     for order in std::env::args().skip(1) {} // error: this loop has no checkpoint
/// }
/// ```
///
/// It reads the words of the body, not their meaning, and does not see
///
/// * loops in functions that are called, unless they are written within the body;
/// * what repeats without one of the three words: `for_each` and the other adapters of iterators, recursion;
/// * loops among the arguments of a macro, because nobody knows what it makes of them (a checkpoint there counts for the loop around
///   it), and loops that a macro makes;
/// * whether a checkpoint is reached at every turn, or is in a closure that nobody calls;
/// * a checkpoint under another name (`use livinglock::checkpoint as mark`), or in a macro or function that the loop calls: the loop
///   needs an exemption.
///
/// A function within the body that has its own `#[livinglock::batch]` is judged by its own arguments.
#[proc_macro_attribute]
pub fn batch(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::batch(arguments.into(), item.into()).into()
}

/// Exempts the loop after it from `coverage = "deny"` of [`#[livinglock::batch]`](macro@batch#coverage).
///
/// ```no_run
/// #[livinglock::batch(path = "/run/nightly.lock", coverage = "deny")]
/// fn main() {
///     let mut total = 0;
///     #[livinglock::no_checkpoint]
///     for size in [1, 2, 3] {
///         total += size;
///     }
/// }
/// ```
///
/// It stands directly before the loop or its label, takes no arguments, and exempts neither the loops inside nor those outside. Any
/// path that ends in `no_checkpoint` does; written with its path it needs no `use`, which would look unused. Without
/// `coverage = "deny"` it means nothing.
///
/// The compiler knows no such attributes on loops, so `#[livinglock::batch]` takes it out before the compiler sees it. Hence
/// anywhere else, also among the arguments of a macro, it is a compile error.
#[proc_macro_attribute]
pub fn no_checkpoint(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    coverage::outside(&item.into()).into()
}

/// Explains what is wrong with the arguments of a `checkpoint!`, as a compile error.
#[doc(hidden)]
#[proc_macro]
pub fn checkpoint_grammar(arguments: TokenStream) -> TokenStream {
    checkpoint::explain(arguments.into()).into()
}
