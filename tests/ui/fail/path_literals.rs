#[livinglock::batch(path = "")]
fn empty() {}

#[livinglock::batch(path = "/run/")]
fn directory() {}

#[livinglock::batch(path = "/run/job\0.lock")]
fn nul() {}

#[livinglock::batch(path = "job.lock")]
fn relative() {}

#[livinglock::batch(path = b"/run/job.lock")]
fn bytes() {}

fn main() {}
