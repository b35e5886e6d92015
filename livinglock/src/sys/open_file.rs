//! Whether two descriptors are of one opening.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::MetadataExt,
    },
};

/// Whether two descriptors share one open file, as `2>&1` makes them (`kcmp(2)`).
///
/// Where a sandbox forbids that call: whether they are of one file, which is nearly always the same.
pub(crate) fn is_same_open_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> io::Result<bool> {
    const KCMP_FILE: libc::c_int = 0;
    let own = std::process::id();
    // SAFETY: five integers in, an order or -1 out; no memory of ours is touched.
    let order = unsafe {
        libc::syscall(
            libc::SYS_kcmp,
            own,
            own,
            KCMP_FILE,
            libc::c_ulong::from(one.as_raw_fd().unsigned_abs()),
            libc::c_ulong::from(other.as_raw_fd().unsigned_abs()),
        )
    };
    if order >= 0 {
        return Ok(order == 0);
    }
    let file = |fd: BorrowedFd<'_>| {
        let found = File::from(fd.try_clone_to_owned()?).metadata()?;
        io::Result::Ok((found.dev(), found.ino()))
    };
    Ok(file(one)? == file(other)?)
}
