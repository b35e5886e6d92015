//! What operators see, and what they do then.
//!
//! # cron
//!
//! ```text
//! # crontab
//! MAILTO=ops@example.org
//! */15 * * * * /usr/local/bin/nightly
//! ```
//!
//! * cron mails every output. A run that yields writes one line, so it arrives by mail; `quiet` leaves it out. A job that takes over, or is told
//!   of a crash, always says so.
//! * `systemd-cat -t nightly /usr/local/bin/nightly` sends the lines to the journal instead. Do not send them to `/dev/null`.
//! * Start it as often as a run may be late: a run that finds another one at work costs a millisecond.
//! * Give the path of the lock in full. cron starts jobs in an unspecified directory.
//!
//! # systemd
//!
//! A batch with the attribute tells systemd by itself what it has proven, so that the watchdog ends a job that hangs, though no next run asks:
//!
//! ```text
//! # nightly.service
//! [Service]
//! Type=notify
//! ExecStart=/usr/local/bin/nightly
//! WatchdogSec=15m
//! TimeoutStartSec=15m
//! TimeoutStopSec=30s
//! ```
//!
//! ```text
//! # nightly.timer
//! [Timer]
//! OnCalendar=*:00/15
//!
//! [Install]
//! WantedBy=timers.target
//! ```
//!
//! | setting | is |
//! |---|---|
//! | `WatchdogSec` | like `stale`, longer than the slowest unit: the pulse feeds the watchdog after progress alone |
//! | `TimeoutStartSec` | longer than a run may `wait`: the unit is ready when it has the lock |
//! | `TimeoutStopSec` | longer than `grace`, so that a `graceful` job has its time |
//! | `SuccessExitStatus` | `75 143`, where it is in order that a job is stopped |
//! | `RuntimeDirectory` | not for the lock, unless with `RuntimeDirectoryPreserve=yes`: the folder goes when the unit ends, and with it what a run has left to the next one |
//! | `PrivateTmp` | a `/tmp` of its own, and so another lock than that of a run by hand: use `/run/lock` |
//!
//! systemd does not start a unit that runs already. The lock is there for all the other ways to start it: by hand, by cron, by a deployment.
//!
//! With `Type=oneshot` and `livinglock run` any program is such a unit; the [front page](crate#any-program-any-language) has one.
//!
//! # Kubernetes
//!
//! ```text
//! apiVersion: batch/v1
//! kind: CronJob
//! metadata: {name: nightly}
//! spec:
//!   schedule: "*/15 * * * *"
//!   concurrencyPolicy: Allow          # the lock decides, and knows whether the other one works
//!   jobTemplate:
//!     spec:
//!       backoffLimit: 0               # the next run is the retry
//!       template:
//!         spec:
//!           restartPolicy: Never
//!           terminationGracePeriodSeconds: 60   # longer than `grace`
//!           containers:
//!             - name: nightly
//!               image: nightly:1
//!               env: [{name: LOCK_URL, valueFrom: {secretKeyRef: {name: nightly, key: lock-url}}}]
//! ```
//!
//! * Use a [store](super::stores): pods move between nodes. With a lock file pin them to one node, and share a folder of it.
//! * A job is process 1 of its container, for which SIGTERM does nothing unless it is handled: set `graceful`.
//! * Processes of several pods all have number 1. That is no matter here.
//! * A pod of a node that is cut off goes on working until its lease is about to end, and no longer. Nobody has to delete it.
//!
//! # A program of any kind
//!
//! `livinglock run PATH -- COMMAND` is the same lock for a command that knows nothing of it:
//!
//! ```text
//! */15 * * * * livinglock run --stale 2h --at-most 12h --beat output /run/lock/nightly.lock -- /usr/local/bin/nightly.sh
//! ```
//!
//! | `--beat` | proves work by | use it for |
//! |---|---|---|
//! | `cpu` | processor time and transfers of all its processes | what cannot be changed; a loop that goes round in vain counts as well |
//! | `output` | what it writes | a command that tells of its progress |
//! | `file:PATH` | a file that changes | a command that writes one |
//! | `notify` | `livinglock beat`, `systemd-notify WATCHDOG=1`, `sd_notify(3)` of any language | a script that can be changed: the best proof |
//!
//! Without it `cpu` and `notify` count.
//!
//! # The exit status
//!
//! | status | meaning | alarm? |
//! |---|---|---|
//! | the job's own | it ran | as without livinglock |
//! | 0, or `busy` | another run is at it | no |
//! | [73](crate::exit_status::CANNOT_LOCK) | the lock cannot be had | yes: it never ran |
//! | [75](crate::exit_status::LOST) | the lock was lost, or handed over | look why |
//! | [124](crate::exit_status::AT_MOST) | it ran for longer than `at_most` | yes |
//! | [128 + N](crate::exit_status::SIGNAL) | signal N stopped it | whoever sent it knows |
//! | 101 | it panicked, as without livinglock | yes |
//!
//! ```
//! use livinglock::{Stop, exit_status};
//!
//! assert_eq!(Stop::Lost.exit_status(), exit_status::LOST);
//! assert_eq!(Stop::Replaced.exit_status(), 75);
//! assert_eq!(Stop::AtMost.exit_status(), 124);
//! assert_eq!(Stop::Signal(15).exit_status(), 143); // SIGTERM
//! ```
//!
//! # The command line
//!
//! It comes with `cargo install livinglock --features cli`, and takes the locks of any program, and the URLs of stores.
//!
//! | question | command | exit status |
//! |---|---|---|
//! | how does it stand? | `livinglock status /run/nightly.lock`, or a folder, or a URL | 0 held, 1 left behind, 2 hung, 3 free, 4 unknown |
//! | how does it go on? | `livinglock watch /run/lock` | that of `status`, at the end |
//! | is it over? | `livinglock wait --timeout 1h /run/nightly.lock` | 0 it is, 124 it is not |
//! | stop it, at its next checkpoint | `livinglock stop /run/nightly.lock` | 0 nobody holds it, 1 somebody does |
//! | it does not react | `livinglock stop --force /run/nightly.lock` | the same |
//! | will a lock work here? | `livinglock doctor /run/nightly.lock` | 0 it will, 1 it will not |
//!
//! `status`, `watch` and `wait` only look: no lock is taken and nothing is written. To run something as soon as a lock is free, do not `wait` and
//! then start it, since somebody else may be quicker: `livinglock run --wait 1h /run/nightly.lock -- COMMAND`.
//!
//! A deployment stops the job, and lets the new version begin when it likes:
//!
//! ```text
//! livinglock stop --grace 2m /run/nightly.lock && install nightly /usr/local/bin/nightly
//! ```
//!
//! A program can look as well, without taking the lock:
//!
//! ```
//! use livinglock::store::{FileStore, Store};
//!
//! # let path = std::env::temp_dir().join(format!("guide-look-{}.lock", std::process::id()));
//! # let lock = livinglock::Lock::options().name("nightly").acquire(&path)?;
//! let seen = FileStore::new(&path).look()?;
//! assert!(seen.is_held);
//! let record = seen.record.expect("a record");
//! assert_eq!((&*record.name, record.process_id), ("nightly", std::process::id()));
//! # lock.release()?;
//! assert!(!FileStore::new(&path).look()?.is_held); // released meanwhile
//! # Ok::<(), livinglock::Error>(())
//! ```
//!
//! # Monitoring
//!
//! `livinglock status` has an exit status for each condition, so that a check is one line:
//!
//! ```text
//! livinglock status /run/lock; test $? -ne 2     # fails if any job hangs
//! ```
//!
//! With `--json` it has everything, for each lock. `CLI.md` beside the source describes the keys:
//!
//! ```text
//! livinglock status --json /run/lock | jq -r '.[] | select(.exit_status == 2) | "\(.name) on \(.host): \(.condition)"'
//! ```
//!
//! With the feature `metrics` a job writes a file for the textfile collector of Prometheus' `node_exporter`, and a journal of its runs, which
//! `livinglock history` shows with a bar for each duration. What is worth an alarm there:
//!
//! | alarm | expression |
//! |---|---|
//! | it did not succeed for a day | `time() - livinglock_last_success_timestamp_seconds > 26 * 3600` |
//! | it hangs | `livinglock_running == 1 and time() - livinglock_last_checkpoint_timestamp_seconds > livinglock_stale_seconds` |
//! | it never gets to run | `increase(livinglock_busy_total[1d]) > 10`, or another number that fits the schedule |
//!
//! With the feature `tracing` every line is an event with target `livinglock` and fields, of which `outcome` tells which line it is:
//!
//! | `outcome` | level | the line |
//! |---|---|---|
//! | `busy` | info | a run yields |
//! | `predecessor` | warning | what became of the run before |
//! | `silent` | warning | no checkpoint for `warn` |
//! | `stopping`, `stopped` | warning | the job was told to stop, and has |
//! | `troubled` | warning | the lease could not be renewed for half of its length |
//! | `terminating`, `fenced` | warning | a holder that cannot answer is dealt with |
//! | `closing`, `expiring` | error | the job hangs, and is about to lose its lock |
//! | `given_up` | error | it has reached no checkpoint, and is ended |
//! | `failed` | error | the lock cannot be had, or not be released |
//! | `untold` | warning | a ping did not arrive, or a file that tells of a run cannot be written |
//!
//! What has to wake somebody is a job that has not *succeeded* for longer than two of its periods. No line tells of that, since a job that is never
//! started says nothing. For that somebody outside has to expect it: with the feature and key `ping`, or `livinglock run --ping URL`, a service such as
//! healthchecks.io is told of each beginning and end ([front page](crate#what-others-are-told)).
//!
//! # When ..
//!
//! Every line begins with `livinglock:` and the place of the lock. (A test of the program compares these tables with what it says.)
//!
//! ## .. a run begins
//!
//! | the line has | it means | what to do |
//! |---|---|---|
//! | `has held it for ..; last checkpoint ..; yielding` | another run works | nothing; if it comes every time, the schedule is too tight |
//! | `this process (..) holds it already; release it first` | the program takes its own lock twice | mend the program |
//! | `is stopping, and another run is taking over` | another newcomer was quicker | nothing |
//! | `has ended, but keeps it for .. more by` | `at_least` | nothing |
//! | `does not answer: it is stopped, frozen or starved; ..; continue it or kill it` | the holder stands still, and this run may not end it | `kill -CONT`, thaw its cgroup, or `livinglock stop --force` |
//! | `is held, but its record cannot be read; see who has it open with fuser(1)` | somebody has the lock whose record is damaged, or no record at all | `fuser -v` on the file |
//! | `holds it by another library's record` | the Go library, or a tool that writes its format | see [migrating](super::migrating#from-the-go-library) |
//! | `somebody stopped in the middle of changing it; continue or kill ..` | a process was stopped within microseconds of the file | continue or kill the one that is named |
//! | `ended without releasing; last checkpoint ..` | the run before crashed, was killed, or left by `std::process::exit` | look there; the kernel's log tells of the OOM killer |
//! | `was cut off when the machine went down` | a reboot or a power cut | nothing |
//! | `panicked; last checkpoint ..` | the run before panicked | its own output says where |
//! | `was stopped; last checkpoint ..` | by a signal, `at_most`, `replace` or an operator | nothing, if that was meant |
//! | `gave way after ..; lock taken over; ..; silent for ..` | it hung, and was stopped or ended | look at the threads that it names |
//! | `hung, and was ended` | the same, and this run was not there | the same |
//! | `does not answer; ..; sending SIGTERM, and SIGKILL after ..` | it stands still, and is ended | ask who has stopped it |
//! | `does not answer; ..; its lock file is replaced, and the job starts in ..` | it stands still, and was fenced | look at what it was at: it may finish that unit |
//! | `let its lease run out: it crashed, hung or was cut off` | the run before was on another machine | look at the host that it names |
//! | `left another library's record` | the first run after the Go library | nothing |
//! | `and its record is damaged` | the run before was cut off while it wrote | nothing; nobody knows where it stopped |
//!
//! ## .. a job runs
//!
//! | the line has | it means | what to do |
//! |---|---|---|
//! | `made no checkpoint for ..; .. usually takes 12s, now 43m; thread 4121 (..) sleeps in ..` | nothing for `warn`: the job itself says where its threads stand | look there; if this is usual, the unit is too long or `stale` too short |
//! | `a new run asks .. for the lock after .. without a checkpoint` | it hangs, and gives way | nothing |
//! | `reached no checkpoint within .., so its process ends now` | it was ended; an autopsy follows | look at the threads that it names |
//! | `so it loses the lock, and passes no checkpoint any more` | the same of a function, whose thread is still there | restart the service, if such threads add up |
//! | `did not finish stopping within ..` | it reached a checkpoint, but its destructors took longer than `grace` | a longer `grace`, or less to clean up |
//! | `was sent SIGTERM`, `was asked to stop by a new run or an operator`, ``has run for longer than `at_most` `` | it is told to stop | nothing |
//! | `stopped, because ..; last checkpoint ..` | it has | nothing; the next run is told as well |
//! | `lost the lock: the file was replaced or cannot be written` | somebody has removed the file, or the disk is broken | find out who: `livinglock doctor` knows usual cleaners |
//! | `cannot renew its lease: ..; it works on, and is stopped in .. unless the store answers` | the server does not answer; there is time left | look at the server |
//! | `the lease of .. is about to run out after .. without a checkpoint` | it hangs, and stops itself | look at what it waits for |
//! | `the lease of .. is about to run out and cannot be renewed: ..` | it is cut off, and stops itself | look at the server, and at the way to it |
//! | `lost the lock: its lease is over` | it stood still for longer than its lease | ask who has stopped it |
//! | `could not ping .. for ..; the job goes on` | the service was not told, or not in time | look at the way to it |
//! | `has ended, but not all that it had started; ended .. before releasing the lock` | of `livinglock run`: the command has left processes in the background | nothing, or mend the command |
//!
//! ## .. it never ran: exit status 73
//!
//! | the line has | what to do |
//! |---|---|
//! | `failed to create the lock file ..; create its folder first` | at every boot, if it is below `/run`: `RuntimeDirectory=`, or a line in `/etc/tmpfiles.d` |
//! | `use a path that this user may write, or remove the file that another user left there` | one user for all runs of a job; or a path for each |
//! | `belongs to user .., not to us (user ..) or root` | the same |
//! | `is not a lock file: it has other content, which is left as it is` | another path: this one has somebody's file |
//! | `is a symbolic link`, `not a lock file; use a path of its own for the lock` | another path |
//! | `is on a network file system (..), where a partition makes two owners` | a local path, or a [store](super::stores) |
//! | ``needs a longer `stale` than ..`` | the numbers are in the line; see [margin](super::stores#margin) |
//! | `failed to acquire ..` with the URL of a store | the server: the cause follows in the line |
//! | `which does not answer and cannot be ended: ..` | what follows: run as its user or as root, or end it yourself |
//!
//! The text of an [`Error`](crate::Error) is its line, and its causes are what follows there:
//!
//! ```
//! let error = livinglock::Lock::acquire("/nonexistent/nightly.lock").unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "failed to create the lock file /nonexistent/nightly.lock; create its folder first"
//! );
//! ```
