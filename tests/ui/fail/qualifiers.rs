#[livinglock::batch(path = "/run/job.lock")]
pub const fn constant() {}

#[livinglock::batch(path = "/run/job.lock")]
async fn asynchronous() {}

mod unsafe_main {
    #[livinglock::batch(path = "/run/job.lock")]
    unsafe fn main() {}
}

mod extern_main {
    #[livinglock::batch(path = "/run/job.lock")]
    extern "C" fn main() {}
}

fn main() {}
