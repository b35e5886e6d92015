#[livinglock::batch(path = "/run/job.lock", busy = 300, quiet = "yes", on_stale = "kill", mode = 600, name = "")]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", mode = "rw", on_stale = 3, name = 5, network_fs = 0)]
fn job() {}

#[livinglock::batch(path = "/run/job.lock", mode = 0o1777)]
fn sticky() {}

mod negative {
    #[livinglock::batch(path = "/run/job.lock", busy = -1)]
    fn main() {}
}
