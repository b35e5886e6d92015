#[livinglock::batch(path = "/run/job.lock")]
struct Struct;

#[livinglock::batch(path = "/run/job.lock")]
pub(crate) enum Enum {}

#[livinglock::batch(path = "/run/job.lock")]
impl Struct {}

#[livinglock::batch(path = "/run/job.lock")]
mod module {}

#[livinglock::batch(path = "/run/job.lock")]
const N: u8 = 3;

trait Trait {
    #[livinglock::batch(path = "/run/job.lock")]
    fn method(&self);
}

fn main() {
    // They all are still there.
    let _: (Struct, Option<Enum>, u8) = (Struct, None, N);
    impl Trait for Struct {
        fn method(&self) {}
    }
    use module as _;
}
