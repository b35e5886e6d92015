//! What removes old files from where the lock is: systemd-tmpfiles, tmpreaper, tmpwatch.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::report::doctor::{Finding, cleaners as say};

/// Where the rules of `tmpfiles.d(5)` are; of files with the same name the first one counts.
const FOLDERS: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// Programs that empty folders for temporary files, whatever `tmpfiles.d` says.
const REAPERS: [&str; 4] = [
    "/usr/sbin/tmpreaper",
    "/usr/sbin/tmpwatch",
    "/usr/bin/tmpwatch",
    "/usr/sbin/stmpclean",
];

pub(super) fn finding(lock: &Path) -> Vec<Finding> {
    // By the names that rules have: `/var/run` leads to `/run`.
    let lock = match (lock.parent().map(Path::canonicalize), lock.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => return Vec::new(),
    };
    let mut findings = Vec::new();
    let rules = rules();
    if let Some(rule) = rule_for(&rules, &lock)
        && let Some(age) = &rule.age
    {
        findings.push(say::removes(&lock, &rule.file, age));
    }
    let is_temporary = ["/tmp", "/var/tmp"]
        .iter()
        .any(|folder| lock.starts_with(folder));
    let reaper = REAPERS.iter().find(|program| Path::new(program).exists());
    if let (true, Some(reaper)) = (is_temporary, reaper) {
        findings.push(say::reaps(&lock, Path::new(reaper)));
    }
    if findings.is_empty() {
        findings.push(say::nothing());
    }
    findings
}

/// What is to become of the content of a folder.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    path: PathBuf,
    /// Only the path itself, not what is below it.
    alone: bool,
    /// After what time without use it goes; `None` if it stays.
    age: Option<String>,
    /// Where the rule is written.
    file: PathBuf,
}

impl Rule {
    /// A line such as `d /var/tmp/portage 1777 root root 30d`; `None` if it removes nothing by age and keeps nothing from that.
    fn parse(line: &str, file: &Path) -> Option<Self> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let kind = fields.first()?.chars().next()?;
        let path = fields.get(1)?.trim_matches(['"', '\'']);
        // A specifier, such as the machine's id.
        if !path.starts_with('/') || path.contains('%') {
            return None;
        }
        let age = fields.get(5).filter(|age| **age != "-");
        let is_exception = matches!(kind, 'x' | 'X');
        (is_exception || matches!(kind, 'd' | 'D' | 'e' | 'v' | 'q' | 'Q' | 'C')).then(|| Self {
            path: path.into(),
            alone: kind == 'X',
            age: age.filter(|_| !is_exception).map(|age| (*age).to_owned()),
            file: file.to_owned(),
        })
    }

    /// Whether this is about the file, or about a folder that it is in.
    fn covers(&self, lock: &Path) -> bool {
        let mut below = lock.components();
        let leads_there = self.path.components().all(|part| {
            below
                .next()
                .is_some_and(|other| matches_glob(&text(part), &text(other)))
        });
        leads_there && !(self.alone && below.next().is_some())
    }
}

fn text(part: Component<'_>) -> Vec<char> {
    part.as_os_str().to_string_lossy().chars().collect()
}

/// Whether a name matches a pattern with `*` and `?`; sets in brackets match any one character, which errs on the side of a warning.
fn matches_glob(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skipped| matches_glob(rest, &name[skipped..])),
        ['[', set @ ..] if set.contains(&']') => {
            let end = set.iter().position(|character| *character == ']');
            !name.is_empty() && matches_glob(&set[end.map_or(0, |end| end + 1)..], &name[1..])
        }
        [first, rest @ ..] => {
            matches!(name, [other, name @ ..] if (*first == '?' || first == other) && matches_glob(rest, name))
        }
    }
}

/// The rule that is nearest to the file: one for a folder overrides those for the folders above.
fn rule_for<'a>(rules: &'a [Rule], lock: &Path) -> Option<&'a Rule> {
    rules
        .iter()
        .filter(|rule| rule.covers(lock))
        .max_by_key(|rule| rule.path.components().count())
}

fn rules() -> Vec<Rule> {
    let mut files: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "conf")
            {
                files.entry(entry.file_name()).or_insert(path);
            }
        }
    }
    let of_file = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let rules = text.lines().filter_map(|line| Rule::parse(line, &file));
        rules.collect::<Vec<_>>()
    };
    files.into_values().flat_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(rules: &[&str], lock: &str) -> Option<String> {
        let rules: Vec<Rule> = rules
            .iter()
            .filter_map(|line| Rule::parse(line, Path::new("x.conf")))
            .collect();
        rule_for(&rules, Path::new(lock))?.age.clone()
    }

    #[test]
    fn the_nearest_rule_counts() {
        let rules = [
            "# d /srv - - - 1d",
            "q /tmp 1777 root root 10d",
            "d /tmp/kept 0755 root root -",
            "x /tmp/spared-*",
            "X /tmp/alone",
            "e /var/cache/*/locks - - - 3d",
            "d \"/var/tmp\" 1777 root root 30d",
            "D! /%m 1777 root root 1d",
            "f /tmp/file - - - 1d",
        ];
        let tests = [
            ("/tmp/job.lock", Some("10d")),
            ("/tmp/deep/er/job.lock", Some("10d")),
            ("/tmp/kept/job.lock", None),
            ("/tmp/spared-1/job.lock", None),
            ("/tmp/alone", None),
            ("/tmp/alone/job.lock", Some("10d")),
            ("/tmp/file", Some("10d")),
            ("/tmpfiles/job.lock", None),
            ("/var/cache/jobs/locks/job.lock", Some("3d")),
            ("/var/cache/jobs/job.lock", None),
            ("/var/tmp/job.lock", Some("30d")),
            ("/srv/job.lock", None),
        ];
        for (lock, expected) in tests {
            assert_eq!(age(&rules, lock).as_deref(), expected, "{lock}");
        }
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        let matches = |pattern: &str, name: &str| {
            let characters = |text: &str| text.chars().collect::<Vec<_>>();
            matches_glob(&characters(pattern), &characters(name))
        };
        for (pattern, name) in [
            ("*", ""),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("a[bx]c", "abc"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a*c", "abb"), ("a?c", "ac"), ("a[bx]c", "ac"), ("", "a")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
