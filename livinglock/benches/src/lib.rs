//! Compares costs within one run: subjects take turns, round after round, so that drift meets all of them alike.
//!
//! A loop's time moves by 2-8% with where the linker happens to put it, and by more with the machine's mood. A ratio is
//! therefore never the quotient of two separate measurements: every round measures every subject once, as many short
//! samples as there are copies of it at other addresses, keeps the quickest copy, and yields one ratio per pair; the
//! table shows the median of those ratios beside the quotient of the two best times.

mod host;
mod passes;
mod places;
mod setting;
mod stays;
mod table;

pub use host::print_host;
pub use passes::{bare_in_library, checkpoint_in_library};
pub use places::{Loop, PLACES, Place};
pub use setting::{Folder, Holder};
pub use stays::{CALLS, POLLS, Stay, Work};
pub use table::{Subject, Table, timed};

/// Whether this is a real measurement, as under `cargo bench`, or only a trial that everything runs.
///
/// Cargo passes `--bench` to a benchmark that it is to run as one.
#[must_use]
pub fn measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
