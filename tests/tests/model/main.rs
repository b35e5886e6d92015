//! The lock file protocol as a model, every reachable state of which is checked.

mod environment;
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
use stateright::{Checker, HasDiscoveries, Model, Property};
use step::{Event, Protection};

/// The protocol, or a variant of it that lacks one protection.
#[derive(Clone, Copy, Debug)]
struct Protocol {
    omitted: Option<Protection>,
    /// Whether somebody deletes lock files.
    deletions: bool,
}

const ONE_OWNER: &str = "never two owners past the gate";
const OWN_FILES: &str = "nobody takes, writes, replaces or removes another owner's file";
const A_WAY_ON: &str = "from every state there is a way to somebody who works";
const AT_ONCE: &str = "a lock that nobody holds is acquired at once, whatever was left behind";

impl Protocol {
    fn never_two_past_the_gate(state: &State) -> bool {
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
        if self.deletions && state.kernel.path().is_some() {
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
            Property::always(ONE_OWNER, |_, state| Self::never_two_past_the_gate(state)),
            Property::always(OWN_FILES, |_, state: &State| state.foul.is_none()),
            Property::always(A_WAY_ON, |protocol: &Self, state| {
                protocol.has_a_way_on(state)
            }),
            Property::always(AT_ONCE, |protocol: &Self, state| {
                protocol.is_acquired_at_once(state)
            }),
        ]);
        properties
    }
}

impl Protocol {
    /// Checks every state, or until one is found that breaks a promise.
    fn check(self, until: HasDiscoveries) -> impl Checker<Self> {
        let begun = Instant::now();
        let checker = self.checker().threads(2).finish_when(until).spawn_bfs();
        let checker = checker.join();
        println!(
            "{self:?}: {} states, {} events, depth {}, {:.1} s",
            checker.unique_state_count(),
            checker.state_count(),
            checker.max_depth(),
            begun.elapsed().as_secs_f64()
        );
        checker
    }
}

#[test]
fn the_protocol_keeps_its_promises_in_every_state() {
    let protocol = Protocol {
        omitted: None,
        deletions: true,
    };
    protocol
        .check(HasDiscoveries::AnyFailures)
        .assert_properties();
}

/// Insists that the checker sees what a protection is for.
fn assert_needed(omitted: Protection, promise: &'static str) {
    let variant = Protocol {
        omitted: Some(omitted),
        // Deletions have a gap of their own, which shall not pass for the effect of a protection.
        deletions: omitted == Protection::RecordUnderGuard,
    };
    let until = HasDiscoveries::AnyOf([promise].into());
    let path = variant.check(until).assert_any_discovery(promise);
    println!("not {promise:?}:");
    for event in path.into_actions() {
        println!("    {event:?}");
    }
}

#[test]
fn without_the_comparison_there_are_two_owners() {
    assert_needed(Protection::Compare, ONE_OWNER);
}

/// No two work even so: whoever takes it awake looks at the path within the probation, and whoever was frozen is held.
#[test]
fn without_the_guard_a_claim_takes_a_file_that_was_replaced() {
    assert_needed(Protection::GuardClaim, OWN_FILES);
}

#[test]
fn without_its_guard_a_fence_loses_its_file_to_a_release() {
    assert_needed(Protection::GuardFence, ONE_OWNER);
}

#[test]
fn without_the_guard_a_release_removes_the_file_of_a_fence() {
    assert_needed(Protection::GuardUnlink, ONE_OWNER);
}

#[test]
fn without_probation_a_slow_holder_still_works() {
    assert_needed(Protection::Probation, ONE_OWNER);
}

#[test]
fn without_a_probation_of_its_own_so_does_the_successor_of_a_crashed_fence() {
    assert_needed(Protection::InheritedProbation, ONE_OWNER);
}

#[test]
fn without_hold_a_woken_holder_works() {
    assert_needed(Protection::HoldOnWake, ONE_OWNER);
}

#[test]
fn without_hold_from_the_acquisition_so_does_one_that_had_not_begun() {
    assert_needed(Protection::HoldFromAcquisition, ONE_OWNER);
}

#[test]
fn without_a_look_after_the_waking_a_woken_holder_works() {
    assert_needed(Protection::FreshVerdict, ONE_OWNER);
}

#[test]
fn without_the_gate_first_a_job_works_after_its_release() {
    assert_needed(Protection::GateFirst, ONE_OWNER);
}

#[test]
fn without_the_bystander_rule_a_stopped_asker_blocks_everybody() {
    assert_needed(Protection::Bystander, A_WAY_ON);
}

#[test]
fn without_a_record_under_the_guard_a_frozen_holder_blocks_everybody() {
    assert_needed(Protection::RecordUnderGuard, A_WAY_ON);
}
