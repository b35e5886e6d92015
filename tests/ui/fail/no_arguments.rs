#[livinglock::batch]
fn main() {}

#[livinglock::batch()]
fn job() {}
