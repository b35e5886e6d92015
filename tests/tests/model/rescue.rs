//! Whether there is a way on: found by going it.

use stateright::Model as _;

use crate::{
    Protocol,
    kernel::{Byte, Pid},
    process::Stage,
    state::State,
    step::Event,
};

/// More rounds than any state needs.
const ROUNDS: usize = 40;

impl Protocol {
    /// Everybody who is awake takes steps in turn, nobody else helps: is there somebody who works in the end?
    ///
    /// A process that is frozen in the guard blocks everybody, as documented.
    pub(crate) fn has_a_way_on(self, state: &State) -> bool {
        let excused = state.frozen_in_guard() || state.processes.iter().all(|it| it.frozen);
        let mut state = *state;
        for _ in 0..ROUNDS {
            if excused || state.processes.iter().any(crate::process::Process::works) {
                return true;
            }
            for pid in Pid::ALL {
                state = self.stepped(&state, pid).unwrap_or(state);
            }
        }
        false
    }

    /// One newcomer alone, while nobody else moves, and nobody to ask.
    pub(crate) fn is_acquired_at_once(self, state: &State) -> bool {
        let held = state.kernel.path().is_some_and(|inode| {
            [Byte::Alive, Byte::Guard]
                .iter()
                .any(|byte| state.kernel.holder(inode, *byte).is_some())
        });
        let newcomer = Pid::ALL
            .into_iter()
            .find(|pid| state.process(*pid).stage == Stage::Outside);
        let (false, Some(pid)) = (held, newcomer) else {
            return true;
        };
        let mut state = *state;
        while let Some(next) = self.stepped(&state, pid) {
            state = next;
            match state.process(pid).stage {
                Stage::Outside | Stage::Asked => return false,
                Stage::Holding(_) => return true,
                _ => {}
            }
        }
        false
    }

    /// After the first step that the process can take.
    fn stepped(self, state: &State, pid: Pid) -> Option<State> {
        let process = state.process(pid);
        let steps = process.stage.steps().iter();
        steps
            .filter(|_| !process.frozen)
            .find_map(|step| self.next_state(state, Event::Takes(pid, *step)))
    }
}
