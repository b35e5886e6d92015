#[livinglock::batch(path = "/run/x.lock", metrics = "job.prom", history = "runs.jsonl")]
fn relative() {}

#[livinglock::batch(path = "/run/x.lock", metrics = "", history = "")]
fn empty() {}

#[livinglock::batch(path = "/run/x.lock", metrics = "/var/lib/metrics/", history = "/var/log/")]
fn directories() {}

#[livinglock::batch(path = "/run/x.lock", metrics = "/var/lib/metrics/job.txt")]
fn not_for_the_collector() {}

#[livinglock::batch(path = "/run/x.lock", metrics = "/var/lib/metrics/.prom")]
fn no_name() {}

#[livinglock::batch(path = "/run/x.lock", metrics = 3, history)]
fn no_path() {}

fn main() {}
