//! Locks in postgres.
