//! The lock file protocol as a model, every reachable state of which is checked.

mod kernel;
mod process;
mod protocol;
mod rescue;
mod state;
mod step;

use std::time::Instant;

use kernel::Pid;
use process::{Phase, Stage};
use protocol::Actor;
use state::State;
use stateright::{Checker, HasDiscoveries, Model, Path, Property};
use step::{Event, Protection};

/// The protocol, or a variant of it that lacks one protection.
#[derive(Clone, Copy, Debug)]
struct Protocol {
    omitted: Option<Protection>,
}

const ONE_OWNER: &str = "never two owners past the gate";
const OWN_FILES: &str = "nobody takes, writes, replaces or removes another owner's file";
const A_WAY_ON: &str = "from every state there is a way to somebody who works";
const AT_ONCE: &str = "a lock that nobody holds is acquired at once, whatever was left behind";

impl Protocol {
    fn never_two_past_the_gate(&self, state: &State) -> bool {
        let past = |process: &&process::Process| process.works() && !process.robbed;
        state.processes.iter().filter(past).count() <= 1
    }

    /// What must be possible, or the rest proves little.
    fn possible() -> Vec<Property<Self>> {
        vec![
            Property::sometimes("two work in the gap of a deletion", |_, state: &State| {
                state.processes.iter().filter(|it| it.works()).count() >= 2
            }),
            Property::sometimes(
                "a fenced holder wakes while another works",
                |_, state: &State| {
                    state.processes.iter().any(process::Process::works)
                        && state.processes.iter().any(|process| {
                            matches!(process.stage, Stage::Holding(Phase::Woken(_)))
                                && process.file != state.kernel.path()
                        })
                },
            ),
            Property::sometimes("a fenced holder still works", |_, state: &State| {
                state.processes.iter().any(|it| it.works() && it.owes_look)
            }),
            Property::sometimes("a process is frozen in the guard", |_, state: &State| {
                state.frozen_in_guard()
            }),
            Property::sometimes("a deleted file is being put back", |_, state: &State| {
                let back = |it: &process::Process| matches!(it.stage, Stage::Recreated(_));
                state.processes.iter().any(back)
            }),
            Property::sometimes("a holder that gives way is fenced", |_, state: &State| {
                let closing =
                    |it: &process::Process| matches!(it.stage, Stage::Holding(Phase::Closing(_)));
                state.processes.iter().any(|it| closing(it) && it.owes_look)
            }),
        ]
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        for pid in Pid::ALL {
            let process = state.process(pid);
            if process.frozen {
                events.push(Event::Wakes(pid));
            } else {
                let steps = process.stage.steps().iter();
                events.extend(steps.map(|step| Event::Takes(pid, *step)));
                if state.kernel.has_locks(pid) {
                    events.push(Event::Freezes(pid));
                }
            }
            if process.stage != Stage::Outside {
                events.push(Event::Crashes(pid));
            }
        }
        if state.kernel.path().is_some() {
            events.push(Event::Deleted);
        }
    }

    fn next_state(&self, state: &State, event: Event) -> Option<State> {
        let mut next = *state;
        match event {
            Event::Takes(pid, step) => Actor {
                state: &mut next,
                pid,
                omitted: self.omitted,
            }
            .take(step)?,
            Event::Freezes(pid) => next.freeze(pid, self.omitted),
            Event::Wakes(pid) => next.process_mut(pid).frozen = false,
            Event::Crashes(pid) => next.crash(pid),
            Event::Deleted => next.delete(),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = Self::possible();
        properties.extend([
            Property::always(ONE_OWNER, Self::never_two_past_the_gate),
            Property::always(OWN_FILES, |_, state: &State| state.foul.is_none()),
            Property::always(A_WAY_ON, Self::has_a_way_on),
            Property::always(AT_ONCE, Self::is_acquired_at_once),
        ]);
        properties
    }
}

/// Two threads, as the smallest machines that test this have.
fn check(omitted: Option<Protection>, stop: HasDiscoveries) -> impl Checker<Protocol> {
    let begun = Instant::now();
    let checker = Protocol { omitted }
        .checker()
        .threads(2)
        .finish_when(stop)
        .spawn_bfs()
        .join();
    println!(
        "{omitted:?} left out: {} states, {} events, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    checker
}

fn describe(path: Path<State, Event>) {
    for event in path.into_actions() {
        println!("    {event:?}");
    }
}

#[test]
fn the_protocol_keeps_its_promises_in_every_state() {
    let checker = check(None, HasDiscoveries::AnyFailures);
    for (name, path) in checker.discoveries() {
        println!("{name}:");
        describe(path);
    }
    checker.assert_properties();
}
