#[livinglock::batch(path = "/run/job.lock")]
fn job() {
    drop(_guard);
}

#[livinglock::batch(path = "/run/job.lock", on_busy = entered.is_some())]
fn on_busy() -> bool {
    drop((_guard, entered));
    true
}

fn main() {}
