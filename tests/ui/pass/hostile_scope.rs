#![deny(warnings, clippy::all, clippy::pedantic)]

// Names that the expansion must not pick up.
mod hostile {
    #![expect(dead_code, non_camel_case_types, unused_macros)]

    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub enum Option {}
    pub enum Result {}
    pub struct String;
    pub struct From;
    pub struct AsRef;
    pub struct Duration;
    pub struct Job;
    pub struct ExitCode;
    pub struct str;
    pub struct bool;
    pub mod std {}
    pub mod core {}
    pub mod livinglock {}
    pub fn run() {}
    pub fn drop() {}

    macro_rules! concat {
        ($($tokens:tt)*) => {
            compile_error!("the user's `concat!`")
        };
    }
    macro_rules! option_env {
        ($($tokens:tt)*) => {
            compile_error!("the user's `option_env!`")
        };
    }
    macro_rules! module_path {
        ($($tokens:tt)*) => {
            compile_error!("the user's `module_path!`")
        };
    }
    macro_rules! main {
        () => {};
    }
    main!();

    fn lock(name: &::std::primitive::str) -> ::std::path::PathBuf {
        ::std::env::temp_dir().join(format!(
            "livinglock-ui-hostile_scope-{name}-{}.lock",
            ::std::process::id()
        ))
    }

    #[::livinglock::batch(path = lock("main"), name = "hostile", stale = "2h")]
    pub fn main() {
        nothing();
        ::std::assert!(option().is_some());
        ::std::assert!(result().is_ok());
        ::std::assert_eq!(
            literal as fn(u8) -> u8 as usize,
            literal as fn(u8) -> u8 as usize
        );
    }

    #[::livinglock::batch(path = lock("nothing"))]
    fn nothing() {}

    #[::livinglock::batch(path = lock("option"))]
    fn option() -> ::std::option::Option<u8> {
        ::std::option::Option::Some(5)
    }

    #[::livinglock::batch(path = lock("result"))]
    fn result() -> ::std::result::Result<u8, ::livinglock::Error> {
        ::std::result::Result::Ok(5)
    }

    // A `_guard` of the user's and the one of the expansion do not know each other.
    #[expect(clippy::used_underscore_binding)]
    #[::livinglock::batch(path = "/run/livinglock-ui.lock", stale = "2h", on_busy = _guard)]
    fn literal(_guard: u8) -> u8 {
        _guard
    }
}

fn main() -> std::process::ExitCode {
    hostile::main()
}
