//! Our own operations by themselves, kept from run to run: criterion tells whether a change made one of them slower.
//!
//! `cargo bench -p livinglock-benches --bench trend -- --save-baseline before`, then the change, then `-- --baseline before`.
//! For comparisons with anything else see the other benchmarks, which measure both sides in turn.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use livinglock::{Lock, checkpoint};
use livinglock_benches::{Folder, Holder};

/// Enough passes that the clock readings around them do not show.
const PASSES: u64 = 10_000;

fn checkpoints(criterion: &mut Criterion) {
    criterion.bench_function("10000 checkpoints", |bencher| {
        bencher.iter(|| {
            for _ in 0..black_box(PASSES) {
                checkpoint!();
            }
        });
    });
    criterion.bench_function("10000 checkpoints with progress and message", |bencher| {
        bencher.iter(|| {
            for pass in 0..black_box(PASSES) {
                checkpoint!(done = pass, total = PASSES, "pass {pass}");
            }
        });
    });
}

fn locks(criterion: &mut Criterion) {
    let folder = Folder::temporary("trend").expect("the temporary folder is writable");
    let free = folder.path().join("free");
    criterion.bench_function("acquire and release", |bencher| {
        bencher.iter(|| Lock::options().acquire(&free)?.release());
    });

    let held = folder.path().join("held");
    let holder =
        Holder::of(env!("CARGO_BIN_EXE_holder"), &held).expect("nobody else knows the new folder");
    criterion.bench_function("busy", |bencher| {
        bencher.iter(|| {
            Lock::options()
                .acquire(&held)
                .expect_err("the holder holds it")
        });
    });
    drop(holder);

    let lock =
        Lock::acquire(folder.path().join("beating")).expect("nobody else knows the new folder");
    criterion.bench_function("heartbeat", |bencher| {
        bencher.iter(|| lock.heartbeat());
    });
}

criterion_group!(trend, checkpoints, locks);
criterion_main!(trend);
