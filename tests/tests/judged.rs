//! Functions that return an error have failed, for whoever is told how they end; and stay the functions that they were.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt::{Debug, Display},
    fs, io, panic,
    path::{Path, PathBuf},
    str::FromStr,
};

use livinglock::checkpoint;
use livinglock_tests::{Check, Scene, wait_until};
use serde_json::Value;

const PINGED: &str = env!("CARGO_BIN_EXE_pinged");

#[derive(Debug)]
struct Failure(String);

impl<E: Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn lock(scene: &Scene, name: &str) -> PathBuf {
    scene.file(name).with_extension("lock")
}

/// Waits until the journal says that the runs of a function of this name have ended like this, in whatever order: a function waits for its
/// journal for a second at most, and an asynchronous one not at all.
#[track_caller]
fn wait_for_outcomes(scene: &Scene, name: &str, expected: &[&str]) {
    wait_until(&format!("{name} has {expected:?}"), || {
        let mut outcomes = outcomes(scene, name);
        outcomes.sort_unstable();
        outcomes == expected
    });
}

#[track_caller]
fn outcomes(scene: &Scene, name: &str) -> Vec<String> {
    let text = fs::read_to_string(scene.file("runs.jsonl")).unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("one object a line"));
    let of_it = lines.filter(|line| {
        let whole = line["name"].as_str().expect("a text");
        whole.ends_with(&format!("::{name}"))
    });
    of_it
        .map(|line| {
            assert_eq!(line["exit_status"], Value::Null, "a function has none");
            line["outcome"].as_str().expect("a text").to_owned()
        })
        .collect()
}

#[livinglock::batch(path = lock(scene, "parse"), history = scene.file("runs.jsonl"))]
fn parse(scene: &Scene, number: &str) -> Result<u32, Failure> {
    checkpoint!("{number}");
    if number.is_empty() {
        return Ok(0);
    }
    let number = number.parse::<u32>()?;
    if number == 13 {
        Err("thirteen")?;
    }
    Ok(number)
}

#[test]
fn a_function_that_returns_an_error_has_failed() {
    let scene = Scene::new();
    assert_eq!(parse(&scene, "7").unwrap(), 7);
    assert_eq!(parse(&scene, "").unwrap(), 0);
    parse(&scene, "x").unwrap_err();
    assert_eq!(parse(&scene, "13").unwrap_err().0, "thirteen");
    wait_for_outcomes(
        &scene,
        "parse",
        &["failed", "failed", "succeeded", "succeeded"],
    );
}

#[livinglock::batch(path = lock(scene, "later"), history = scene.file("runs.jsonl"), on_busy = Ok(0))]
async fn later(scene: &Scene, number: &str) -> Result<u32, Failure> {
    tokio::task::yield_now().await;
    checkpoint!("{number}");
    Ok(number.parse::<u32>()?)
}

#[tokio::test]
async fn so_has_an_asynchronous_one() {
    let scene = Scene::new();
    assert_eq!(later(&scene, "7").await.unwrap(), 7);
    later(&scene, "x").await.unwrap_err();
    wait_for_outcomes(&scene, "later", &["failed", "succeeded"]);
}

#[livinglock::batch(path = lock(scene, "falling"), history = scene.file("runs.jsonl"))]
fn falling(scene: &Scene) -> Result<(), livinglock::Error> {
    checkpoint!();
    panic!("on purpose");
}

#[test]
fn a_panic_is_still_a_panic() {
    let scene = Scene::new();
    panic::catch_unwind(|| falling(&scene)).unwrap_err();
    wait_for_outcomes(&scene, "falling", &["panicked"]);
}

struct Tally<'a> {
    scene: &'a Scene,
    words: BTreeMap<String, usize>,
}

impl<'a> Tally<'a> {
    #[livinglock::batch(path = lock(self.scene, "longest"), history = self.scene.file("runs.jsonl"))]
    fn longest<T: FromStr<Err = E> + Debug, E: Display>(
        &mut self,
        text: &'a str,
        count: T,
    ) -> Result<(&'a str, T), Failure> {
        for word in text.split(' ') {
            checkpoint!("{word} {count:?}");
            *self.words.entry(word.to_owned()).or_default() += 1;
        }
        let longest = text.split(' ').max_by_key(|word| word.len());
        let Some(longest) = longest.filter(|word| !word.is_empty()) else {
            return Err("nothing there")?;
        };
        Ok((longest, longest.len().to_string().parse()?))
    }

    #[livinglock::batch(path = lock(self.scene, "first"), history = self.scene.file("runs.jsonl"))]
    fn first(&self, least: usize) -> Result<&str, Box<dyn Error>> {
        if least == 0 {
            return Err(Box::new(io::Error::from(io::ErrorKind::InvalidInput)));
        }
        let mut words = self.words.iter();
        let (word, _) = words
            .find(|(_, count)| **count >= least)
            .ok_or("no such word")?;
        Ok(word)
    }

    #[livinglock::batch(path = lock(self.scene, "sorted"), history = self.scene.file("runs.jsonl"), on_busy = Ok(Vec::new().into_iter()))]
    fn sorted(self, least: usize) -> io::Result<impl Iterator<Item = String> + use<>> {
        let of_many = self.words.into_iter().filter(|(_, count)| *count >= least);
        let words: Vec<String> = of_many.map(|(word, _)| word).collect();
        if words.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(words.into_iter())
    }
}

#[livinglock::batch(path = lock(scene, "read"), history = scene.file("runs.jsonl"))]
fn read(scene: &Scene, path: &Path) -> Result<usize, Failure> {
    Ok(fs::read(path)?.len())
}

#[test]
fn whatever_they_borrow_take_and_return() {
    let scene = Scene::new();
    let mut tally = Tally {
        scene: &scene,
        words: BTreeMap::new(),
    };
    let (word, length) = tally.longest("a longer b a", 0_u8).unwrap();
    assert_eq!((word, length), ("longer", 6));
    tally.longest("", 0_u8).unwrap_err();
    wait_for_outcomes(&scene, "longest", &["failed", "succeeded"]);
    assert_eq!(tally.first(2).unwrap(), "a");
    tally.first(0).unwrap_err();
    wait_for_outcomes(&scene, "first", &["failed", "succeeded"]);
    let words: Vec<String> = tally.sorted(2).unwrap().collect();
    assert_eq!(words, ["a"]);
    wait_for_outcomes(&scene, "sorted", &["succeeded"]);

    read(&scene, &scene.file("nowhere")).unwrap_err();
    assert!(read(&scene, &scene.file("runs.jsonl")).unwrap() > 0);
    wait_for_outcomes(&scene, "read", &["failed", "succeeded"]);
}

#[test]
fn whoever_is_pinged_hears_of_it() {
    let (scene, check) = (Scene::new(), Check::start());
    let job = scene.job(PINGED, &["failing", "end"]);
    let job = job.set("NO_PROXY", "127.0.0.1");
    let job = job.set("PING_URL_OF_THE_FUNCTION", &check.url()).spawn();
    check.wait_for(2);
    scene.give("end");
    let ended = job.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(check.events(), ["/start", "/fail"]);
    let told = &check.pings()[1].body;
    assert!(told.contains(" has ended with an error after "), "{told}");
}
