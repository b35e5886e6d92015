//! `checkpoint!` and `try_checkpoint!`.
//!
//! Each is one compare, done in place, and calls for the rest. The statics have names that nobody writes, because items are not
//! hygienic and a message may name the user's own.

/// Proves that the job works, and says where.
///
/// It beats the heart of the lock that the calling thread works under, and tags it with the place in the source, with an optional
/// message and an optional count of the work done. Passing the same checkpoint again costs one load, one compare and one branch, so
/// that it belongs into the innermost loop that takes longer than a few microseconds a turn. (In a loop that the compiler turns into
/// vector instructions, pass one every thousand turns.) With no lock held it does nothing, just as cheaply: libraries may have
/// checkpoints.
///
/// With `coverage = "deny"` the [batch attribute](macro@crate::batch#coverage) refuses to compile a loop that has none.
///
/// When the job has to stop, because the lock is lost, the checkpoint does not return: it unwinds without a panic message, so that
/// destructors run, and the batch ends with the exit status of its [`Stop`](crate::Stop). Where panics abort, it ends the process.
/// [`try_checkpoint!`](crate::try_checkpoint) returns an error instead; the destructor of a thread-local value needs that one, because
/// to unwind from it aborts.
///
/// ```
/// # let orders = ["a", "b"];
/// for (i, order) in orders.iter().enumerate() {
///     livinglock::checkpoint!(); // the place alone
///     livinglock::checkpoint!("order {order}"); // and a message, formatted once a second at most
///     livinglock::checkpoint!(done = i, total = orders.len()); // and how far
///     livinglock::checkpoint!(done = i, total = orders.len(), "order {order}");
/// }
/// ```
#[macro_export]
macro_rules! checkpoint {
    () => {{
        $crate::__checkpoint_site!();
        if !$crate::__private::is_here(&__LIVINGLOCK_SITE) {
            $crate::__private::pass(&__LIVINGLOCK_SITE);
        }
    }};
    (done = $done:expr, total = $total:expr $(,)?) => {{
        $crate::__private::set_progress($done, $total);
        $crate::checkpoint!()
    }};
    (done = $done:expr, total = $total:expr, $message:literal $($arguments:tt)*) => {{
        $crate::__private::set_progress($done, $total);
        $crate::checkpoint!($message $($arguments)*)
    }};
    ($message:literal $(, $($arguments:tt)*)?) => {{
        $crate::__checkpoint_site!();
        if !$crate::__private::is_here(&__LIVINGLOCK_SITE) {
            if $crate::__private::wants_message(&__LIVINGLOCK_SITE) {
                $crate::__private::set_message(
                    &__LIVINGLOCK_SITE,
                    $crate::__private::format_args!($message $(, $($arguments)*)?),
                );
            }
            $crate::__private::pass(&__LIVINGLOCK_SITE);
        }
    }};
    ($($tokens:tt)*) => {
        $crate::__private::checkpoint_grammar! { $($tokens)* }
    };
}

/// Proves that the job works, and returns why it has to stop instead of unwinding.
///
/// The same as [`checkpoint!`](crate::checkpoint), but a `Result<(), Stop>`.
///
/// ```
/// fn import(rows: &[&str]) -> Result<(), livinglock::Stop> {
///     for (i, row) in rows.iter().enumerate() {
///         livinglock::try_checkpoint!(done = i, total = rows.len(), "row {row}")?;
///     }
///     Ok(())
/// }
/// # import(&["a"]).unwrap();
/// ```
#[macro_export]
macro_rules! try_checkpoint {
    () => {{
        $crate::__checkpoint_site!();
        if $crate::__private::is_here(&__LIVINGLOCK_SITE) {
            $crate::__private::Result::Ok(())
        } else {
            $crate::__private::try_pass(&__LIVINGLOCK_SITE)
        }
    }};
    (done = $done:expr, total = $total:expr $(,)?) => {{
        $crate::__private::set_progress($done, $total);
        $crate::try_checkpoint!()
    }};
    (done = $done:expr, total = $total:expr, $message:literal $($arguments:tt)*) => {{
        $crate::__private::set_progress($done, $total);
        $crate::try_checkpoint!($message $($arguments)*)
    }};
    ($message:literal $(, $($arguments:tt)*)?) => {{
        $crate::__checkpoint_site!();
        if $crate::__private::is_here(&__LIVINGLOCK_SITE) {
            $crate::__private::Result::Ok(())
        } else {
            if $crate::__private::wants_message(&__LIVINGLOCK_SITE) {
                $crate::__private::set_message(
                    &__LIVINGLOCK_SITE,
                    $crate::__private::format_args!($message $(, $($arguments)*)?),
                );
            }
            $crate::__private::try_pass(&__LIVINGLOCK_SITE)
        }
    }};
    ($($tokens:tt)*) => {
        $crate::__private::checkpoint_grammar! { $($tokens)* }
    };
}

/// Panics unless a lock is held here: for functions that rely on it.
///
/// It is that of the calling thread's [`Scope`](crate::Scope). Costs two short locks, so it belongs to the beginning of a function, not into its
/// loops.
///
/// ```should_panic
/// livinglock::assert_held!(); // panics: `main` has no lock
/// ```
#[macro_export]
macro_rules! assert_held {
    () => {
        $crate::__private::assert_held()
    };
}

/// The static of one checkpoint.
#[doc(hidden)]
#[macro_export]
macro_rules! __checkpoint_site {
    () => {
        static __LIVINGLOCK_SITE: $crate::__private::Site = $crate::__private::Site::new(
            $crate::__private::file!(),
            $crate::__private::line!(),
            $crate::__private::column!(),
            $crate::__private::module_path!(),
        );
    };
}
