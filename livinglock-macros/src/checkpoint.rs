//! What is wrong with the arguments of a `checkpoint!`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    Error, Ident, Lit, LitStr, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{scan, suggestion::nearest};

const EXPECTED_MESSAGE: &str = "expected a message: a string literal, like `\"order {id}\"`";
const EXPECTED: &str = "expected a message, `done = .., total = ..`, or both, in this order";

/// Explains why the arguments match none of the forms: nothing, `"message", args..`, `done = .., total = ..`, or both in this order.
///
/// The forms themselves are the business of `macro_rules!`; what comes here is only what they refuse.
pub(crate) fn explain(tokens: TokenStream) -> TokenStream {
    let error = match grammar.parse2(tokens) {
        Ok(()) => Error::new(Span::call_site(), EXPECTED),
        Err(error) => error,
    };
    error.to_compile_error()
}

/// Follows the grammar to the first token that breaks it.
fn grammar(input: ParseStream<'_>) -> Result<()> {
    if input.peek(Ident) && !input.peek(Lit) {
        let done = field(input, "done")?;
        if input.is_empty() || !input.peek(Ident) || input.peek(Lit) {
            let message = "`done` needs `total` after it; write `done = .., total = ..`";
            return Err(Error::new(done, message));
        }
        field(input, "total")?;
        if input.is_empty() {
            return Ok(());
        }
        message(input, EXPECTED_MESSAGE)
    } else if input.is_empty() {
        Ok(())
    } else {
        message(input, EXPECTED)
    }
}

/// Takes `name = expression` and the comma after it.
fn field(input: ParseStream<'_>, name: &str) -> Result<Span> {
    let field = Ident::parse_any(input)?;
    let span = field.span();
    if !input.peek(Token![=]) && field != name {
        return Err(Error::new(span, EXPECTED_MESSAGE));
    }
    if field != name {
        let message = match &*field.to_string() {
            "total" => "`total` comes after `done`; write `done = .., total = ..`".to_owned(),
            "done" => "duplicate `done`; write `done = .., total = ..`".to_owned(),
            unknown => {
                let meant = nearest(unknown, ["done", "total"]);
                let hint = meant
                    .map(|meant| format!(" (did you mean `{meant}`?)"))
                    .unwrap_or_default();
                format!("unknown field `{unknown}`; expected `done` and `total`{hint}")
            }
        };
        return Err(Error::new(span, message));
    }
    if !input.peek(Token![=]) {
        return Err(Error::new(span, format!("expected `{name} = ..`")));
    }
    input.parse::<Token![=]>()?;
    if scan::expression(input)?.is_empty() {
        return Err(Error::new(span, format!("expected `{name} = ..`")));
    }
    comma(input)?;
    Ok(span)
}

/// Takes a message and its arguments, which the compiler judges.
fn message(input: ParseStream<'_>, expected: &str) -> Result<()> {
    if !input.peek(LitStr) {
        return Err(input.error(expected));
    }
    input.parse::<TokenTree>()?;
    comma(input)?;
    input.parse::<TokenStream>()?;
    Ok(())
}

fn comma(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    Err(input.error("expected `,`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wrong_token_is_explained() {
        let total = "`done` needs `total` after it; write `done = .., total = ..`";
        for (arguments, expected) in [
            ("done = i", total),
            ("done = i,", total),
            ("done = f::<A, B>(), \"{i}\"", total),
            (
                "total = n, done = i",
                "`total` comes after `done`; write `done = .., total = ..`",
            ),
            (
                "done = i, done = n",
                "duplicate `done`; write `done = .., total = ..`",
            ),
            (
                "done = i, totl = n",
                "unknown field `totl`; expected `done` and `total` (did you mean `total`?)",
            ),
            (
                "user = 3",
                "unknown field `user`; expected `done` and `total`",
            ),
            ("done, total", "expected `done = ..`"),
            ("done = , total = n", "expected `done = ..`"),
            ("done = i, total", "expected `total = ..`"),
            ("done = i total = n", "expected `,`"),
            ("done = i, total = n \"x\"", "expected `,`"),
            ("done = i, total = n, x", EXPECTED_MESSAGE),
            ("done = i, total = n, 5", EXPECTED_MESSAGE),
            ("\"{}\" x", "expected `,`"),
            ("text", EXPECTED_MESSAGE),
            ("5", EXPECTED),
            ("&text", EXPECTED),
            ("true", EXPECTED),
        ] {
            let tokens = arguments.parse().expect("valid tokens");
            let error = grammar.parse2(tokens).expect_err(arguments);
            assert_eq!(error.to_string(), expected, "{arguments}");
        }
    }

    #[test]
    fn the_forms_themselves_are_no_mistakes() {
        for arguments in [
            "",
            "\"order\"",
            "\"order {}\", id,",
            "done = i, total = n",
            "done = i, total = n,",
            "done = a < b, total = f::<A, B>(), \"{id}\", id = 5",
        ] {
            let tokens = arguments.parse().expect("valid tokens");
            grammar
                .parse2(tokens)
                .unwrap_or_else(|error| panic!("{arguments}: {error}"));
        }
    }

    #[test]
    fn there_is_always_an_error() {
        for arguments in ["", "5", "\"order\""] {
            let tokens = explain(arguments.parse().expect("valid tokens")).to_string();
            assert!(tokens.starts_with(":: core :: compile_error !"), "{tokens}");
        }
    }
}
