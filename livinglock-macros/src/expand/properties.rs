//! What holds for all arguments and all items: no panic, valid code or errors, and the user's function in both.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Words of the grammar, and words that have no place in it.
const WORDS: &[&str] = &[
    "path",
    "stale",
    "heartbeat",
    "wait",
    "busy",
    "quiet",
    "on_busy",
    "on_stale",
    "grace",
    "warn",
    "at_most",
    "at_least",
    "replace",
    "mode",
    "network_fs",
    "graceful",
    "coverage",
    "name",
    "crate",
    "\"deny\"",
    "for",
    "in",
    "while",
    "loop",
    "checkpoint",
    "pth",
    "r#path",
    "self",
    "true",
    "fn",
    "struct",
    "pub",
    "const",
    "async",
    "unsafe",
    "extern",
    "where",
    "impl",
    "dyn",
    "main",
    "x",
    "\"/run/x.lock\"",
    "\"relative\"",
    "\"2h\"",
    "\"0s\"",
    "\"\"",
    "b\"x\"",
    "c\"x\"",
    "'x'",
    "'a",
    "3",
    "300",
    "0o600",
    "1.5",
    "-1",
    "=",
    ",",
    ";",
    ":",
    "::",
    "<",
    ">",
    "<<",
    ">>",
    "->",
    "=>",
    "|",
    "||",
    "&",
    "#",
    "!",
    "?",
    ".",
    "..",
    "-",
    "+",
    "*",
    "/",
];

/// Tokens of any kind, in brackets or not.
fn tokens() -> impl Strategy<Value = String> {
    let word = select(WORDS).prop_map(str::to_owned);
    word.prop_recursive(4, 40, 6, |inner| {
        (vec(inner, 0..8), select(&["()", "[]", "{}", "  "][..])).prop_map(|(words, around)| {
            format!("{} {} {}", &around[..1], words.join(" "), &around[1..])
        })
    })
}

/// Arguments that are nearly right.
fn arguments() -> impl Strategy<Value = String> {
    let value = prop_oneof![select(WORDS).prop_map(str::to_owned), tokens()];
    let argument =
        (select(&WORDS[..19]), value).prop_map(|(key, value)| format!("{key} = {value}"));
    vec(prop_oneof![3 => argument, 1 => tokens()], 0..6).prop_map(|arguments| arguments.join(", "))
}

/// Functions of every form that has a body.
fn functions() -> impl Strategy<Value = String> {
    (
        select(
            &[
                "",
                "pub ",
                "pub(crate) ",
                "#[doc = \"x\"] ",
                "#[tokio::main] ",
                "#[livinglock::batch(path = \"/y\")] ",
            ][..],
        ),
        select(&["", "async ", "const ", "unsafe ", "extern \"C\" "][..]),
        select(&["main", "job", "r#fn"][..]),
        select(&["()", "(&self)", "<T: Fn() -> u8>(t: T)"][..]),
        select(
            &[
                "",
                "-> u8",
                "-> Result<(), E>",
                "-> Option<[u8; { 2 }]>",
                "-> impl Sized",
                "-> !",
            ][..],
        ),
        tokens(),
    )
        .prop_map(|(before, qualifier, name, parameters, output, body)| {
            format!("{before} {qualifier} fn {name} {parameters} {output} {{ MARK {body} }}")
        })
}

fn lex(source: &str) -> TokenStream {
    source.parse().expect("valid tokens")
}

/// How many bodies of the user's are in these tokens.
fn bodies(tokens: TokenStream) -> usize {
    let count = |token| match token {
        proc_macro2::TokenTree::Group(group) => bodies(group.stream()),
        proc_macro2::TokenTree::Ident(ident) => usize::from(ident == "MARK"),
        _ => 0,
    };
    tokens.into_iter().map(count).sum()
}

proptest! {
    #[test]
    fn any_tokens_expand(arguments in prop_oneof![arguments(), tokens()], item in tokens()) {
        let expansion = batch(lex(&arguments), lex(&item)).to_string();
        // No item of these words is a function, so there is an error to see.
        prop_assert!(item.contains("fn") || expansion.contains("compile_error"), "{}", expansion);
    }

    #[test]
    fn the_user_s_function_survives(arguments in arguments(), function in functions()) {
        let expansion = batch(lex(&arguments), lex(&function));
        prop_assert_eq!(bodies(expansion.clone()), 1, "{}", expansion);
    }

    #[test]
    fn the_grammar_of_a_checkpoint_explains_any_tokens(arguments in tokens()) {
        let explanation = crate::checkpoint::explain(lex(&arguments));
        prop_assert!(explanation.to_string().contains("compile_error"), "{}", explanation);
    }
}
