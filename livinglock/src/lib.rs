//! One attribute on a batch `main`.

extern crate self as livinglock;

#[doc(hidden)]
pub mod __private;
mod batch;
mod error;
mod macros;

pub use batch::OnStale;
pub use error::{Error, Stop};
pub use livinglock_macros::batch;
