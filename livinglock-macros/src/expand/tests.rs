//! What the attribute expands to, pinned.

use proc_macro2::Span;
use syn::Ident;

use super::*;

fn tokens(source: &str) -> TokenStream {
    source
        .parse()
        .unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn expand(arguments: &str, item: &str) -> String {
    batch(tokens(arguments), tokens(item)).to_string()
}

#[track_caller]
fn assert_expands(arguments: &str, item: &str, expected: &str) {
    let without_spaces = |source: &str| source.replace(char::is_whitespace, "");
    let expansion = expand(arguments, item);
    assert_eq!(
        without_spaces(&expansion),
        without_spaces(expected),
        "{expansion}"
    );
}

/// The messages of the errors, then the item that comes with them.
fn errors(arguments: &str, item: &str) -> (Vec<String>, String) {
    let mut messages = Vec::new();
    let mut rest = expand(arguments, item);
    while let Some(tail) = rest.strip_prefix(":: core :: compile_error ! { ") {
        let (message, tail) = tail
            .split_once(" } ")
            .unwrap_or((tail.trim_end_matches(" }"), ""));
        messages.push(
            syn::parse_str::<syn::LitStr>(message)
                .expect("a message")
                .value(),
        );
        rest = tail.to_owned();
    }
    (messages, rest)
}

#[test]
fn main_is_wrapped() {
    assert_expands(
        r#"path = "/run/x.lock", stale = "2h""#,
        r#"#[doc = "x"] #[tokio::main] #[expect(dead_code)] pub async fn main() -> Result<(), E> { body() }"#,
        r#"#[doc = "x"]
        #[expect(dead_code)]
        pub fn main() -> ::std::process::ExitCode {
            #[tokio::main]
            async fn main() -> Result<(), E> { body() }
            ::livinglock::__private::run(
                &const {
                    ::livinglock::__private::Job::new("/run/x.lock")
                        .stale(::core::time::Duration::new(7200, 0))
                        .package(::core::option_env!("CARGO_PKG_NAME"))
                        .on_stale(::livinglock::OnStale::Terminate)
                },
                main
            )
        }"#,
    );
}

#[test]
fn every_key_becomes_a_setter() {
    assert_expands(
        r#"path = "/x", stale = "1h", heartbeat = "90s", wait = "0s", busy = 75, quiet, on_stale = "report",
           grace = "400ms", warn = "30m", at_most = "6h", at_least = "0s", replace, mode = 0o640, network_fs = false,
           graceful = true, name = "n", crate = crate::lock,"#,
        "fn main() {}",
        r#"fn main() -> ::std::process::ExitCode {
            fn main() {}
            crate::lock::__private::run(
                &const {
                    crate::lock::__private::Job::new("/x")
                        .stale(::core::time::Duration::new(3600, 0))
                        .heartbeat(::core::time::Duration::new(90, 0))
                        .wait(::core::time::Duration::new(0, 0))
                        .busy(75)
                        .quiet(true)
                        .on_stale(crate::lock::OnStale::Report)
                        .grace(::core::time::Duration::new(0, 400000000))
                        .warn(::core::time::Duration::new(1800, 0))
                        .at_most(::core::time::Duration::new(21600, 0))
                        .at_least(::core::time::Duration::new(0, 0))
                        .replace(true)
                        .mode(0o640)
                        .network_fs(false)
                        .graceful(true)
                        .name("n")
                },
                main
            )
        }"#,
    );
}

#[test]
fn expressions_are_passed_on() {
    assert_expands(
        r#"path = dir::<A, B>().join("x"), quiet = is_quiet(), at_most = limit(), at_least = "14m", name = format!("{x}"), on_stale = y"#,
        "fn main() {}",
        r#"fn main() -> ::std::process::ExitCode {
            fn main() {}
            ::livinglock::__private::run(
                &::livinglock::__private::Job::at(&(dir::<A, B>().join("x")))
                    .quiet(is_quiet())
                    .at_most(limit())
                    .at_least(::core::time::Duration::new(840, 0))
                    .name(::core::convert::AsRef::<str>::as_ref(&(format!("{x}"))))
                    .on_stale(y),
                main
            )
        }"#,
    );
}

const JOB: &str = r#"&const {
    ::livinglock::__private::Job::new("/x")
        .name(::core::concat!(::core::module_path!(), "::", "f"))
        .on_stale(::livinglock::OnStale::Fence)
}"#;

#[test]
fn a_function_that_returns_nothing_just_returns() {
    for output in ["", "-> ()"] {
        assert_expands(
            r#"path = "/x""#,
            &format!("#[inline] unsafe fn f<T>(&self) {output} where T: Copy {{ #![allow(a)] body() }}"),
            &format!(
                "#[inline] unsafe fn f<T>(&self) {output} where T: Copy {{
                    #![allow(a)]
                    let ::core::option::Option::Some(_guard) = ::livinglock::__private::try_enter({JOB}) else {{
                        return
                    }};
                    {{ body() }}
                }}"
            ),
        );
    }
}

#[test]
fn on_busy_is_the_other_result() {
    assert_expands(
        r#"path = "/x", on_busy = Ok(3)"#,
        "fn f() -> Result<u8, E> { body() }",
        &format!(
            "fn f() -> Result<u8, E> {{
                let entered = ::livinglock::__private::try_enter({JOB});
                match entered {{
                    ::core::option::Option::Some(_guard) => {{ body() }},
                    ::core::option::Option::None => {{ Ok(3) }}
                }}
            }}"
        ),
    );
}

/// Where nobody is told how it ends, it stays in its place.
#[cfg(feature = "metrics")]
#[test]
fn only_a_result_that_somebody_is_told_of_is_looked_at() {
    for (output, held) in [
        (
            "io::Result<u8>",
            "guard.hold_result(move || -> io::Result<u8> { body() })",
        ),
        ("Result<impl A, E>", "guard.hold_result(move || { body() })"),
        ("Option<u8>", "{ body() }"),
    ] {
        let expansion = expand(
            r#"path = "/x", history = "/y", on_busy = z"#,
            &format!("fn f() -> {output} {{ body() }}"),
        );
        let expected = tokens(&format!("=> {held},"));
        assert!(expansion.contains(&expected.to_string()), "{expansion}");
    }
    let expansion = expand(
        r#"path = "/x", history = "/y""#,
        "async fn f() -> io::Result<u8> { body() }",
    );
    assert!(
        expansion.contains("guard . hold_result (async move {"),
        "{expansion}"
    );
}

#[test]
fn options_and_results_can_say_that_the_function_was_skipped() {
    for (output, enter) in [("Option<u8>", "try_enter"), ("io::Result<()>", "enter")] {
        assert_expands(
            r#"path = "/x""#,
            &format!("fn r#f() -> {output} {{ body() }}"),
            &format!(
                "fn r#f() -> {output} {{
                    let _guard = ::livinglock::__private::{enter}({JOB})?;
                    {{ body() }}
                }}"
            ),
        );
    }
}

#[test]
fn errors_come_all_at_once_and_keep_the_item() {
    let item = "# [inline] pub fn main () { body () }";
    let (messages, rest) = errors(
        r#"path = "x", stale = "0s", busy = 300, quiet = 5, mode = 600, wait = "1M""#,
        item,
    );
    assert_eq!(messages.len(), 6, "{messages:?}");
    assert_eq!(rest, item);
}

#[test]
fn one_mistake_is_one_error() {
    for arguments in [
        "",
        "pth = \"/x\"",
        "path",
        "path =",
        "path \"/x\"",
        "path = 3",
        "\"/x\"",
        "path = \"/x\" quiet",
        "path = \"/x\", crate",
        "path = \"/x\", stale = 3600",
        "path = \"/x\", stale = \"0s\", heartbeat = \"1s\"",
        "path = \"/x\", path = \"/y\"",
        "path = \"/x\", pth = \"/y\"",
        "path = \"/x\", busy = 3, on_busy = 4",
        "path = \"/x\", nonsense, quiet",
        "path = \"/x\", heartbeat = \"30m\"",
        "path = \"/x\", at_most = \"0s\"",
        "path = \"/x\", at_most = \"0s\", at_least = \"1s\"",
        "path = \"/x\", at_most = \"14m\", at_least = \"14m\"",
        "path = \"/x\", at_least = \"15m\", at_most = \"14m\"",
        "path = \"/x\", crate = livinglock",
        "path = \"/x\", crate = \"livinglock\"",
        "path = \"/x\", name = \"\"",
    ] {
        let (messages, rest) = errors(arguments, "fn main () { }");
        assert_eq!(messages.len(), 1, "{arguments}: {messages:?}");
        assert_eq!(rest, "fn main () { }");
    }
}

#[test]
fn a_second_attribute_is_removed() {
    let (messages, rest) = errors(
        "path = \"/x\"",
        "#[livinglock::batch(path = \"/y\")] fn main() {}",
    );
    assert_eq!(messages, ["duplicate `#[livinglock::batch]` attribute"]);
    assert_eq!(rest, "fn main () { }");
}

#[test]
fn items_that_are_not_functions_are_kept() {
    for item in ["struct S ;", "const N : u8 = 3 ;", "fn f (& self) ;"] {
        let (messages, rest) = errors("path = \"/x\"", item);
        assert_eq!(messages.len(), 1, "{item}: {messages:?}");
        assert_eq!(rest, item);
    }
}

/// These are features of this crate, which a run of the tests has or has not.
#[test]
fn a_literal_url_needs_the_feature_of_its_engine() {
    for (url, feature, is_on) in [
        ("postgres://db1/app", "postgres", cfg!(feature = "postgres")),
        (
            "postgresql://db1/app",
            "postgres",
            cfg!(feature = "postgres"),
        ),
        ("redis://cache1", "redis", cfg!(feature = "redis")),
        ("rediss://cache1#nightly", "redis", cfg!(feature = "redis")),
        (
            "etcds://node1:2379,node2:2379",
            "etcd",
            cfg!(feature = "etcd"),
        ),
    ] {
        let expanded = batch(
            quote!(store = #url),
            quote!(
                fn main() {}
            ),
        )
        .to_string();
        let scheme = url.split("://").next().expect("a scheme");
        let refusal =
            format!("`{scheme}://` locks require the `{feature}` feature of `livinglock`");
        assert_eq!(expanded.contains(&refusal), !is_on, "{expanded}");
        assert_eq!(expanded.contains("by_url"), is_on, "{expanded}");
    }
}

/// Like the engines.
#[test]
fn a_literal_url_to_ping_needs_the_feature_for_that() {
    let arguments = quote!(path = "/x", ping = "https://hc.example/uuid");
    let expanded = batch(
        arguments,
        quote!(
            fn main() {}
        ),
    );
    let expanded = expanded.to_string();
    let refusal = "`ping` requires the `ping` feature of `livinglock`";
    let is_on = cfg!(feature = "ping");
    assert_eq!(expanded.contains(refusal), !is_on, "{expanded}");
    assert_eq!(expanded.contains(". ping"), is_on, "{expanded}");
}

/// As above.
#[test]
fn a_key_needs_its_feature() {
    for (key, value, feature, is_on) in [
        ("metrics", "/x.prom", "metrics", cfg!(feature = "metrics")),
        ("history", "/x.jsonl", "metrics", cfg!(feature = "metrics")),
    ] {
        let key = Ident::new(key, Span::call_site());
        let expanded = batch(
            quote!(path = "/x", #key = #value),
            quote!(
                fn main() {}
            ),
        )
        .to_string();
        let refusal = format!("`{key}` requires the `{feature}` feature of `livinglock`");
        assert_eq!(expanded.contains(&refusal), !is_on, "{expanded}");
        assert_eq!(
            expanded.contains(&format!(". {key} (")),
            is_on,
            "{expanded}"
        );
    }
}

/// The future carries the guard, and the compiler is told what the block returns; unless that cannot be written.
#[test]
fn an_asynchronous_function_holds_its_lock_across_threads() {
    assert_expands(
        r#"path = "/x", name = "n", on_stale = "fence""#,
        "pub async fn job(self) -> io::Result<u8> { body().await }",
        r#"
            pub async fn job(self) -> io::Result<u8> {
                let entering = ::livinglock::__private::enter_async(&const {
                    ::livinglock::__private::Job::new("/x").name("n").on_stale(::livinglock::OnStale::Fence)
                });
                let guard = entering.await?;
                guard.hold(async move {
                    if let ::core::option::Option::Some(value) = ::livinglock::__private::no_value::<io::Result<u8> >() {
                        return value;
                    }
                    body().await
                }).await
            }
        "#,
    );
    for nothing_to_tell in ["", "-> ()", "-> Option<impl Fn()>"] {
        let expansion = expand(
            r#"path = "/x""#,
            &format!("async fn job() {nothing_to_tell} {{ }}"),
        );
        assert!(!expansion.contains("no_value"), "{expansion}");
        assert!(expansion.contains("try_enter_async"), "{expansion}");
    }
}
