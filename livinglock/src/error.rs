//! Errors.

/// Why a lock could not be acquired or kept.
#[derive(Debug)]
pub struct Error(());
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stub")
    }
}
impl std::error::Error for Error {}

/// Why a job has to stop.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stop {
    /// Lost.
    Lost,
}
impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stub")
    }
}
impl std::error::Error for Stop {}
