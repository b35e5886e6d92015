#![deny(warnings, clippy::all, clippy::pedantic)]

use std::{
    env,
    fmt::Display,
    io,
    path::{Path, PathBuf},
    process,
};

fn lock(name: &str) -> PathBuf {
    env::temp_dir().join(format!(
        "livinglock-ui-functions-{name}-{}.lock",
        process::id()
    ))
}

struct Jobs<'a> {
    names: Vec<&'a str>,
    path: PathBuf,
}

trait Job {
    fn execute(&mut self, name: &str) -> Option<usize>;
}

impl<'a> Jobs<'a> {
    #[livinglock::batch(path = &self.path)]
    fn first(&self) -> Option<&'a str> {
        self.names.first().copied()
    }

    #[livinglock::batch(path = &self.path, on_busy = 0)]
    fn push(&mut self, name: &'a str) -> usize {
        self.path.set_extension("locked");
        self.names.push(name);
        self.names.len()
    }

    #[livinglock::batch(path = self.path.clone(), on_busy = Vec::new())]
    fn into_names(self) -> Vec<&'a str> {
        self.names
    }
}

impl Job for Jobs<'_> {
    #[livinglock::batch(path = lock(name))]
    fn execute(&mut self, name: &str) -> Option<usize> {
        let position = self.names.iter().position(|other| *other == name)?;
        Some(position + 1)
    }
}

#[livinglock::batch(path = lock("nothing"))]
fn nothing(done: &mut bool) {
    if *done {
        return;
    }
    *done = true;
}

#[livinglock::batch(path = lock("result"))]
fn result<T, const N: usize>(values: &[T; N]) -> Result<String, Box<dyn std::error::Error>>
where
    T: Display + Send,
{
    let Some(last) = values.last() else {
        return Err("no values".into());
    };
    let number: u8 = last.to_string().parse()?;
    Ok(number.to_string())
}

#[livinglock::batch(path = lock(tenant), name = tenant)]
fn per_tenant(tenant: &str) -> Option<String> {
    Some(tenant.to_uppercase())
}

#[livinglock::batch(path = lock("squares"), on_busy = Vec::new().into_iter())]
fn squares(limit: u32) -> impl Iterator<Item = u32> {
    (0..limit).map(|n| n * n).collect::<Vec<_>>().into_iter()
}

#[livinglock::batch(path = lock("on_busy"), on_busy = Ok(0))]
fn length(path: &Path) -> io::Result<u64> {
    Ok(path.metadata()?.len())
}

#[livinglock::batch(path = lock("foreign"), on_busy = -1)]
extern "C" fn foreign(number: i32) -> i32 {
    number + 1
}

#[livinglock::batch(path = lock("pointer"))]
unsafe fn read(pointer: *const u8) -> Option<u8> {
    Some(unsafe { *pointer })
}

#[livinglock::batch(path = lock("closure"), on_busy = |_, b| b)]
fn adder() -> fn(u8, u8) -> u8 {
    |a, b| a + b
}

#[livinglock::batch(path = lock("coercion"), on_busy = Box::new("busy"))]
fn coercion() -> Box<dyn Display> {
    Box::new(5)
}

#[livinglock::batch(path = lock("never"), on_busy = panic!("busy"))]
fn never() -> ! {
    process::exit(0)
}

// Only compiled: literals make the description of the job a constant.
#[livinglock::batch(path = "/run/livinglock-ui.lock", stale = "2h", on_busy = false)]
fn literal() -> bool {
    true
}

fn main() {
    let mut jobs = Jobs {
        names: vec!["a"],
        path: lock("jobs"),
    };
    assert_eq!(jobs.first(), Some("a"));
    assert_eq!(jobs.push("b"), 2);
    assert_eq!(jobs.execute("b"), Some(2));
    assert_eq!(jobs.execute("c"), None);
    assert_eq!(jobs.into_names(), ["a", "b"]);

    let mut done = false;
    nothing(&mut done);
    nothing(&mut done);
    assert!(done);
    assert_eq!(result(&[3, 4]).ok().as_deref(), Some("4"));
    assert!(result::<u8, 0>(&[]).is_err());
    assert_eq!(per_tenant("a").as_deref(), Some("A"));
    assert!(squares(3).eq([0, 1, 4]));
    assert!(length(Path::new("/")).is_ok());
    assert!(length(Path::new("/no/such/file")).is_err());
    assert_eq!(foreign(4), 5);
    assert_eq!(unsafe { read(b"x".as_ptr()) }, Some(b'x'));
    assert_eq!(coercion().to_string(), "5");
    assert_eq!(adder()(2, 3), 5);
    std::hint::black_box(literal as fn() -> bool);
    never();
}
