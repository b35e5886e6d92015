#![deny(warnings, clippy::all, clippy::pedantic)]

// Fragments of a macro arrive in invisible groups.
macro_rules! job {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident() -> $output:ty $body:block, $path:expr, $stale:literal, $status:expr) => {
        #[livinglock::batch(path = $path, stale = $stale, on_busy = $status)]
        $(#[$attribute])*
        $visibility fn $name() -> $output $body
    };
    ($visibility:vis fn $name:ident() -> $output:ty $body:block) => {
        #[livinglock::batch(path = "/run/livinglock-ui.lock", crate = $crate::lock)]
        $visibility fn $name() -> $output $body
    };
}

mod lock {
    pub use livinglock::*;
}

job!(
    #[inline]
    fn job() -> u8 {
        5
    },
    std::env::temp_dir().join("livinglock-ui-from_macro.lock"),
    "2h",
    7
);
job!(
    fn option() -> Option<u8> {
        None
    }
);
job!(
    fn result() -> Result<u8, livinglock::Error> {
        Ok(5)
    }
);

fn main() {
    assert!(job() == 5 || job() == 7);
    std::hint::black_box((
        option as fn() -> Option<u8>,
        result as fn() -> Result<u8, livinglock::Error>,
    ));
}
