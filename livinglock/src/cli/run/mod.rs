//! `livinglock run`: a command under a lock.
#![expect(
    dead_code,
    unused_imports,
    reason = "the runner that looks at these sources is not written yet"
)]

mod sources;
