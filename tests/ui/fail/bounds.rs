#[livinglock::batch(path = "/run/job.lock", at_most = "14m", at_least = "14m")]
fn main() {}

#[livinglock::batch(path = "/run/job.lock", at_least = "1h", at_most = "59m 59s")]
fn the_other_way_round() {}

#[livinglock::batch(path = "/run/job.lock", at_most = "0s", at_least = 14)]
fn zero_and_no_unit() {}

#[livinglock::batch(path = "/run/job.lock", replace = 1, graceful = "yes")]
fn switches() {}
