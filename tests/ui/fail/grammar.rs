#[livinglock::batch(path = 3)]
fn number() {}

#[livinglock::batch(path "/run/job.lock")]
fn no_equals() {}

#[livinglock::batch(path: "/run/job.lock")]
fn colon() {}

#[livinglock::batch(path = "/run/job.lock" stale = "2h")]
fn no_comma_after_literal() {}

#[livinglock::batch(path = lock() stale = "2h")]
fn no_comma_after_expression() {}

#[livinglock::batch("/run/job.lock")]
fn no_key() {}

#[livinglock::batch(path = "/run/job.lock", , quiet)]
fn two_commas() {}

#[livinglock::batch(path)]
fn no_value() {}

#[livinglock::batch(path = "/run/job.lock", stale =, quiet)]
fn empty_value() {}

#[livinglock::batch(path = lock::<u8, u8())]
fn open_angle_bracket() {}

fn main() {}
