//! Memory as relaxed accesses see it: every store is kept, and a load may find any that its actor has no reason to know is outdated.
//!
//! This is the memory model of C++ and Rust for programs whose stores are not moved before their loads, and it is exact for the gate: each
//! of its stores depends on the loads before it through a branch, and no processor tells others of a store before its branch is decided.
//! It allows all that the store buffers of x86 allow, and the late loads of other processors as well.

/// How many words there are.
const WORDS: usize = 4;

/// The history of each word, and how far each viewer knows it. The oldest store that somebody may still see comes first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory<V, const VIEWERS: usize> {
    words: [Vec<V>; WORDS],
    views: [[u8; WORDS]; VIEWERS],
}

impl<V: Copy + PartialEq, const VIEWERS: usize> Memory<V, VIEWERS> {
    pub(crate) fn new(words: [V; WORDS]) -> Self {
        Self {
            words: words.map(|value| vec![value]),
            views: [[0; WORDS]; VIEWERS],
        }
    }

    /// What a load may find, and the memory afterwards.
    pub(crate) fn loads(&self, viewer: usize, word: usize) -> Vec<(V, Self)> {
        let oldest = self.views[viewer][word];
        (oldest..)
            .zip(&self.words[word][usize::from(oldest)..])
            .map(|(at, value)| {
                let mut after = self.clone();
                after.views[viewer][word] = at;
                after.forget();
                (*value, after)
            })
            .collect()
    }

    pub(crate) fn store(&mut self, viewer: usize, word: usize, value: V) {
        self.words[word].push(value);
        self.views[viewer][word] = self.last(word);
        self.forget();
    }

    /// Replaces `old`, if that is the latest value: an exchange never works on an outdated one. Whoever fails need not learn more.
    pub(crate) fn replace(&mut self, viewer: usize, word: usize, old: V, new: V) -> bool {
        let found = self.words[word].last() == Some(&old);
        if found {
            self.store(viewer, word, new);
        }
        found
    }

    /// Lets one viewer know all that another knows, as whoever locks a mutex knows what was done under it before.
    pub(crate) fn tell(&mut self, from: usize, to: usize) {
        for word in 0..WORDS {
            self.views[to][word] = self.views[to][word].max(self.views[from][word]);
        }
        self.forget();
    }

    /// Lets somebody know everything: who has ended looks at nothing any more, and must not keep old values in memory.
    pub(crate) fn tell_all(&mut self, to: usize) {
        for word in 0..WORDS {
            self.views[to][word] = self.last(word);
        }
        self.forget();
    }

    fn last(&self, word: usize) -> u8 {
        u8::try_from(self.words[word].len() - 1).expect("a short history")
    }

    /// Drops the values that nobody can find any more, so that equal states are equal.
    fn forget(&mut self) {
        for (word, history) in self.words.iter_mut().enumerate() {
            let oldest = self.views.iter().map(|view| view[word]).min().unwrap_or(0);
            history.drain(..usize::from(oldest));
            for view in &mut self.views {
                view[word] -= oldest;
            }
        }
    }
}
