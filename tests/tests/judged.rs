//! Functions that return an error have failed, for whoever is told how they end; and stay the functions that they were.

use std::{
    collections::BTreeMap,
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

/// How the runs in a journal have ended, of a function of this name.
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
    assert_eq!(
        outcomes(&scene, "parse"),
        ["succeeded", "succeeded", "failed", "failed"]
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
    // It waits for nobody.
    wait_until("the journal has both", || {
        outcomes(&scene, "later") == ["succeeded", "failed"]
    });
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
    assert_eq!(outcomes(&scene, "falling"), ["panicked"]);
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
    assert_eq!(outcomes(&scene, "longest"), ["succeeded", "failed"]);
    let words: Vec<String> = tally.sorted(2).unwrap().collect();
    assert_eq!(words, ["a"]);
    assert_eq!(outcomes(&scene, "sorted"), ["succeeded"]);

    read(&scene, &scene.file("nowhere")).unwrap_err();
    assert!(read(&scene, &scene.file("runs.jsonl")).unwrap() > 0);
    assert_eq!(outcomes(&scene, "read"), ["failed", "succeeded"]);
}

#[test]
fn whoever_is_pinged_hears_of_it() {
    let (scene, check) = (Scene::new(), Check::start());
    let job = scene.job(PINGED, &["failing"]);
    let job = job.set("NO_PROXY", "127.0.0.1");
    let ended = job
        .set("PING_URL_OF_THE_FUNCTION", &check.url())
        .spawn()
        .wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(check.events(), ["/start", "/fail"]);
    let told = &check.pings()[1].body;
    assert!(told.contains(" has ended with an error after "), "{told}");
}
