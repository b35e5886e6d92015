#[livinglock::batch(path = "/run/job.lock")]
pub const fn constant() {}

mod unsafe_main {
    #[livinglock::batch(path = "/run/job.lock")]
    unsafe fn main() {}
}

mod extern_main {
    #[livinglock::batch(path = "/run/job.lock")]
    extern "C" fn main() {}
}

fn main() {}
