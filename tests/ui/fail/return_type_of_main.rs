#[path = "../runtime.rs"]
mod runtime;

#[livinglock::batch(crate = crate::runtime, path = "/run/job.lock")]
fn main() -> u64 {
    5
}
