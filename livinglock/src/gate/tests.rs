//! Tests of the gate.

use super::*;

static SITE: Site = Site::new("here.rs", 1, 2, "tests");

#[test]
fn a_passed_checkpoint_is_harvested_with_its_message_and_progress() {
    std::thread::spawn(|| {
        let gate = Gate::in_scope();
        let _scope = ThreadScope::enter(&gate);
        set_progress(3, 7);
        assert!(wants_message(&SITE));
        set_message(&SITE, "three".to_owned());
        pass(&SITE).unwrap();
        assert!(is_here(&SITE));
        harvest();
        assert!(!is_here(&SITE));
        let passed = gate.take_passed().unwrap();
        assert_eq!(passed.site, SITE);
        assert_eq!(passed.message.as_deref(), Some("three"));
        assert_eq!(passed.progress, Some((3, 7)));
        harvest();
        assert!(gate.take_passed().is_none());
    })
    .join()
    .unwrap();
}
