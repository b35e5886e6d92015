#![deny(warnings, clippy::all, clippy::pedantic)]

use std::{env::temp_dir, fmt::Debug};

use livinglock::checkpoint;

mod lock {
    pub use livinglock::*;
}

struct Pair {
    left: u8,
    right: u8,
}

#[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage.lock"), coverage = "deny")]
fn main() -> Result<(), livinglock::Stop> {
    for number in 0..3 {
        livinglock::checkpoint!("number {number}");
    }
    'outer: loop {
        while let Some(letter) = "one".chars().next() {
            checkpoint!();
            if letter == 'o' {
                break 'outer;
            }
        }
    }
    let mut left = 3;
    while {
        lock::try_checkpoint!(done = 3 - left, total = 3)?;
        left > 0
    } {
        left -= 1;
    }
    assert_eq!((heads(), exempt(), silent()), (12, 9, 3));
    words("x");
    Ok(())
}

/// Braces between the keyword and the block.
#[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-heads.lock"), coverage = "deny", on_busy = 0)]
fn heads() -> u8 {
    let mut sum = 0;
    let none = Pair { left: 0, right: 0 };
    for Pair { left, right } in [none, Pair { left: 1, right: 2 }] {
        checkpoint!();
        sum += left + right;
    }
    for number in match sum {
        3 => vec![4, 5],
        _ => Vec::new(),
    } {
        checkpoint!();
        sum += number;
    }
    for number in 0.. {
        checkpoint!();
        if number == sum {
            break;
        }
    }
    sum
}

/// Loops that need no checkpoint.
#[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-exempt.lock"), coverage = "deny", on_busy = 0)]
fn exempt() -> u8 {
    let mut sum = 0;
    #[livinglock::no_checkpoint]
    for number in [1, 2] {
        sum += number;
    }
    #[no_checkpoint]
    #[expect(unused_labels)]
    'unused: while sum < 6 {
        sum += 1;
    }
    let count = |end: u8| {
        let mut number = 0;
        #[crate::lock::no_checkpoint]
        loop {
            number += 1;
            if number == end {
                break number;
            }
        }
    };
    sum + count(3)
}

/// The exemption means nothing here, and does no harm.
#[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-silent.lock"), coverage = "off", on_busy = 0)]
fn silent() -> u8 {
    let mut sum = 0;
    #[livinglock::no_checkpoint]
    while sum < 3 {
        sum += 1;
    }
    sum
}

/// Words that look like loops, what a macro makes of them, and another batch.
#[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-words.lock"), coverage = "deny")]
fn words(text: &str) {
    struct Wrapper<T>(T);
    trait Named {
        fn name(&self) -> String;
    }
    impl<T: Debug> Named for Wrapper<T>
    where
        T: for<'a> PartialEq<&'a str>,
    {
        fn name(&self) -> String {
            format!("{:?}", self.0)
        }
    }
    fn apply(function: impl for<'a> Fn(&'a str) -> &'a str) {
        let r#loop = function("loop");
        assert_eq!(r#loop, "loop");
    }
    macro_rules! twice {
        ($body:block) => {
            for _ in 0..2 $body
        };
    }
    #[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-inner.lock"))]
    fn inner() {
        #[livinglock::no_checkpoint]
        for _ in 0..2 {}
        for _ in 0..2 {}
    }

    assert_eq!(Wrapper(text).name(), "\"x\"");
    apply(|text| text);
    twice!({
        checkpoint!();
    });
    inner();
}

// A function that comes from a macro, its loop in pieces.
macro_rules! job {
    ($name:ident, $items:expr, $body:block) => {
        #[livinglock::batch(path = temp_dir().join("livinglock-ui-coverage-job.lock"), coverage = "deny")]
        #[allow(dead_code)]
        fn $name() {
            for _ in $items $body
            #[no_checkpoint]
            for _ in $items {}
        }
    };
}

job!(from_macro, [1, 2], {
    checkpoint!();
});
