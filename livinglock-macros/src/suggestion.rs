//! "Did you mean?"

use std::mem::swap;

/// The candidate that `word` was probably meant to be, if one is close enough.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= word.len().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour to turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // Three rows of the table: two letters ago, one letter ago, and the one being filled.
    let mut before = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut current = before.clone();
    for i in 1..=a.len() {
        current[0] = i;
        for j in 1..=b.len() {
            let replaced = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            current[j] = replaced.min(previous[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                current[j] = current[j].min(before[j - 2] + 1);
            }
        }
        swap(&mut before, &mut previous);
        swap(&mut previous, &mut current);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("path", "path", 0),
            ("pth", "path", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
        for (a, b, expected) in [
            ("stael", "stale", 1),
            ("wiat", "wait", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_close_words_are_suggested() {
        let words = ["path", "stale", "on_stale"];
        assert_eq!(nearest("pth", words), Some("path"));
        assert_eq!(nearest("on_stael", words), Some("on_stale"));
        assert_eq!(nearest("timeout", words), None);
        assert_eq!(nearest("x", words), None);
    }
}
