//! Visits every state that an algorithm can get into.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    hash::Hash,
};

/// An algorithm as a graph of states.
pub(crate) trait Algorithm: Clone + Eq + Hash {
    /// Every state that one step leads to, with the name of the step.
    fn steps(&self) -> Vec<(Step, Self)>;

    /// What went wrong on the way here, if anything did.
    fn wrong(&self) -> Option<&'static str>;

    /// Whether everybody has come to the end.
    fn is_over(&self) -> bool;
}

/// Who did what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step(pub(crate) usize, pub(crate) &'static str);

/// What the explorer found.
pub(crate) enum Found {
    /// Nothing wrong, in so many states.
    Nothing(usize),
    /// What is wrong, and the fewest steps that lead there.
    Wrong(&'static str, Vec<Step>),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing(states) => write!(f, "nothing wrong in {states} states"),
            Self::Wrong(what, path) => {
                writeln!(f, "{what}:")?;
                path.iter()
                    .try_for_each(|Step(actor, step)| writeln!(f, "  {actor} {step}"))
            }
        }
    }
}

/// Explores everything that follows from `start`, the shortest ways first.
pub(crate) fn explore<A: Algorithm>(start: A) -> Found {
    let mut known = HashMap::from([(start.clone(), 0)]);
    // For each state the one it was first reached from, and all it was reached from.
    let mut first = vec![(0, Step(0, "starts"))];
    let mut before: Vec<Vec<u32>> = vec![Vec::new()];
    let mut ends = Vec::new();
    let mut queue = VecDeque::from([(start, 0)]);
    while let Some((state, number)) = queue.pop_front() {
        if let Some(what) = state.wrong() {
            return Found::Wrong(what, path_to(number, &first));
        }
        if state.is_over() {
            ends.push(number);
        }
        for (step, next) in state.steps() {
            let count = u32::try_from(first.len()).expect("fewer states than memory holds");
            let next_number = match known.entry(next) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    queue.push_back((new.key().clone(), count));
                    first.push((number, step));
                    before.push(Vec::new());
                    *new.insert(count)
                }
            };
            before[next_number as usize].push(number);
        }
    }
    stuck(&before, ends).map_or(Found::Nothing(first.len()), |number| {
        Found::Wrong("somebody waits for ever", path_to(number, &first))
    })
}

/// The first state from which no end can be reached.
fn stuck(before: &[Vec<u32>], mut ends: Vec<u32>) -> Option<u32> {
    let mut ending = vec![false; before.len()];
    while let Some(number) = ends.pop() {
        if !std::mem::replace(&mut ending[number as usize], true) {
            ends.extend(&before[number as usize]);
        }
    }
    (0..)
        .zip(ending)
        .find(|(_, ends)| !ends)
        .map(|(number, _)| number)
}

fn path_to(mut number: u32, first: &[(u32, Step)]) -> Vec<Step> {
    let mut path = Vec::new();
    while number != 0 {
        let (from, step) = first[number as usize];
        path.push(step);
        number = from;
    }
    path.reverse();
    path
}
