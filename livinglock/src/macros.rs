//! `checkpoint!` and `try_checkpoint!`.

/// Proves work.
#[macro_export]
macro_rules! checkpoint {
    ($($t:tt)*) => {{}};
}

/// Proves work, or says why to stop.
#[macro_export]
macro_rules! try_checkpoint {
    ($($t:tt)*) => {
        ::core::result::Result::<(), $crate::Stop>::Ok(())
    };
}
