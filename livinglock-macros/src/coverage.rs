//! Which loops have a checkpoint, and `#[livinglock::no_checkpoint]` for those that need none.
//!
//! The body stays tokens. What a macro makes of its arguments nobody knows before it has run, so these are left as they are: their
//! loops are not looked at. A checkpoint among them counts all the same: in doubt there is no error.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::Error;

use crate::{
    attribute::Attribute,
    loops::{is, is_block, is_fragment, is_punct, macro_call, turn},
};

const UNCOVERED: &str = "this loop has no checkpoint; add `livinglock::checkpoint!()` to it, or write `#[livinglock::no_checkpoint]` before it";
const MISPLACED: &str = "`#[livinglock::no_checkpoint]` exempts one loop; write it directly before `for`, `while` or `loop`, or before their label";
const OUTSIDE: &str = "`#[livinglock::no_checkpoint]` belongs directly before a loop in the body of a function with `#[livinglock::batch]`, outside of macros";
const ARGUMENTS: &str = "`#[livinglock::no_checkpoint]` takes no arguments";

/// What to do about loops that have no checkpoint and no exemption.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Coverage {
    Off,
    Deny,
}

/// Finds what is wrong with the loops of a body, and takes the exemptions out of it, which the compiler would not understand.
pub(crate) fn check(body: &mut Group, coverage: Coverage, errors: &mut Vec<Error>) {
    let mut reader = Reader {
        coverage,
        exemption: None,
        errors,
    };
    if let Some(stripped) = reader.stripped(body) {
        *body = stripped;
    }
}

/// Explains an exemption that the attribute has not seen, and leaves what comes after it as it is.
pub(crate) fn outside(item: &TokenStream) -> TokenStream {
    let error = Error::new(Span::call_site(), OUTSIDE).to_compile_error();
    let tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let label = if is_label(&tokens) { 3 } else { 0 };
    if turn(&tokens[label..]).is_some() {
        // Both in one expression.
        quote!({ #error #item })
    } else {
        quote!(#error #item)
    }
}

struct Reader<'a> {
    coverage: Coverage,
    /// The exemption whose loop has to come next.
    exemption: Option<Attribute>,
    errors: &'a mut Vec<Error>,
}

impl Reader<'_> {
    /// Reads what is between two brackets. `None`: nothing had to be taken out, and the group can stay as it is, with the spans of
    /// both its brackets, which a new one cannot have.
    fn stripped(&mut self, group: &Group) -> Option<Group> {
        let mut tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut changed = false;
        let mut next = 0;
        while let rest @ [token, ..] = &tokens[next..] {
            if let Some(attribute) = attribute(rest) {
                if attribute.is("no_checkpoint") {
                    self.exempt(attribute);
                    tokens.drain(next..next + 2);
                    changed = true;
                } else if attribute.is("batch") {
                    // Another batch, which reads its own body.
                    self.exempt_nothing();
                    next += rest.iter().position(is_block).unwrap_or(1) + 1;
                } else {
                    next += 2;
                }
                continue;
            }
            if is_label(rest) {
                next += 3;
                continue;
            }
            if let Some(turn) = turn(rest) {
                let exempt = self.exemption.take().is_some();
                if self.coverage == Coverage::Deny && !exempt && !has_checkpoint(turn) {
                    self.errors.push(Error::new(token.span(), UNCOVERED));
                }
            } else if !is_fragment(token) {
                self.exempt_nothing();
            }
            if let Some(length) = macro_call(rest) {
                next += length;
                continue;
            }
            if let TokenTree::Group(group) = token
                && let Some(stripped) = self.stripped(group)
            {
                tokens[next] = stripped.into();
                changed = true;
            }
            next += 1;
        }
        self.exempt_nothing();
        changed.then(|| {
            let mut stripped = Group::new(group.delimiter(), tokens.into_iter().collect());
            stripped.set_span(group.span());
            stripped
        })
    }

    /// Exempts the loop that has to come next.
    fn exempt(&mut self, attribute: Attribute) {
        self.exempt_nothing();
        if !attribute.bare {
            self.errors.push(Error::new_spanned(&attribute, ARGUMENTS));
        }
        self.exemption = Some(attribute);
    }

    /// What comes next is no loop.
    fn exempt_nothing(&mut self) {
        if let Some(attribute) = self.exemption.take() {
            self.errors.push(Error::new_spanned(attribute, MISPLACED));
        }
    }
}

/// Whether there is a checkpoint anywhere in it, also among the arguments of a macro.
fn has_checkpoint(tokens: &[TokenTree]) -> bool {
    tokens.iter().enumerate().any(|(place, token)| match token {
        TokenTree::Group(group) => {
            let inside: Vec<TokenTree> = group.stream().into_iter().collect();
            has_checkpoint(&inside)
        }
        _ if is(token, "checkpoint") || is(token, "try_checkpoint") => {
            macro_call(&tokens[place..]).is_some()
        }
        _ => false,
    })
}

/// The attribute that begins here, of two tokens.
fn attribute(tokens: &[TokenTree]) -> Option<Attribute> {
    match tokens {
        [hash, TokenTree::Group(group), ..]
            if is_punct(hash, '#') && group.delimiter() == Delimiter::Bracket =>
        {
            syn::parse2(tokens[..2].iter().cloned().collect()).ok()
        }
        _ => None,
    }
}

/// Whether a label begins here, of three tokens: `'outer:`.
fn is_label(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [quote, TokenTree::Ident(_), colon, ..] if is_punct(quote, '\'') && is_punct(colon, ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body after its check, and the messages of the errors.
    fn checked(body: &str, coverage: Coverage) -> (String, Vec<String>) {
        let mut body = syn::parse_str(&format!("{{ {body} }}"))
            .unwrap_or_else(|error| panic!("{body}: {error}"));
        let mut errors = Vec::new();
        check(&mut body, coverage, &mut errors);
        let messages = errors.iter().map(ToString::to_string).collect();
        (body.to_string(), messages)
    }

    fn uncovered(body: &str) -> usize {
        let (_, messages) = checked(body, Coverage::Deny);
        assert!(
            messages.iter().all(|message| message == UNCOVERED),
            "{body}: {messages:?}"
        );
        messages.len()
    }

    #[test]
    fn a_checkpoint_anywhere_inside_covers_a_loop() {
        for body in [
            "for x in y { checkpoint!(); }",
            "while x { livinglock::checkpoint!(\"x\") }",
            "while let Some(x) = y { ::a::b::try_checkpoint!{}?; }",
            "loop { r#try(checkpoint![]) }",
            "'a: for x in y { 'b: loop { while z { checkpoint!() } } }",
            "loop { if x { match y { _ => call(|| { checkpoint!() }) } } }",
            "while { checkpoint!(); x } { y() }",
            "loop { select! { _ = x => { checkpoint!() } } }",
        ] {
            assert_eq!(uncovered(body), 0, "{body}");
        }
    }

    #[test]
    fn a_loop_without_one_is_not_covered() {
        for (body, expected) in [
            ("for x in y {}", 1),
            ("while x {}", 1),
            ("loop {}", 1),
            ("'a: loop {}", 1),
            ("let x = || loop {}; fn f() { while y {} }", 2),
            ("checkpoint!(); loop {} checkpoint!();", 1),
            ("for x in y { loop {} checkpoint!() }", 1),
            ("for x in y { for x in y { for x in y {} } }", 3),
            ("for x in { checkpoint!(); y } { z }", 1),
            ("for x in loop { checkpoint!() } { z }", 1),
            (
                "loop { checkpoint; check_point!(); checkpoint(); checkpoint != (x) }",
                1,
            ),
            ("if !(x) { loop {} } else { return !{ loop {} } }", 2),
        ] {
            assert_eq!(uncovered(body), expected, "{body}");
        }
    }

    #[test]
    fn what_only_looks_like_a_loop_needs_no_checkpoint() {
        for body in [
            "impl A for B {} impl<'a> C<'a> for D where for<'b> E<'b>: F {}",
            "fn f(x: impl for<'a> Fn(&'a u8)) -> Box<dyn for<'a> Fn(&'a u8)> {}",
            "let x: for<'a> fn(&'a u8) = y; r#loop {}; r#for; self.r#while {}",
            "html! { for x in y {} loop {} } macro_rules! m { () => { loop {} } }",
            "#[x(loop {})] let y = \"loop {}\";",
        ] {
            assert_eq!(uncovered(body), 0, "{body}");
        }
        let between = "impl A for B {} for x in y {} impl C for D {}";
        assert_eq!(uncovered(between), 1);
    }

    #[test]
    fn an_exemption_is_for_one_loop() {
        for (body, stripped, expected) in [
            (
                "# [livinglock :: no_checkpoint] loop { }",
                "{ loop { } }",
                0,
            ),
            (
                "x (|| { # [:: a :: no_checkpoint] # [allow (b)] 'c : while d { } })",
                "{ x (|| { # [allow (b)] 'c : while d { } }) }",
                0,
            ),
            (
                "let x = # [no_checkpoint] for y in z { loop { } } ; loop { }",
                "{ let x = for y in z { loop { } } ; loop { } }",
                2,
            ),
        ] {
            let (body, messages) = checked(body, Coverage::Deny);
            assert_eq!(body, stripped);
            assert_eq!(messages.len(), expected, "{stripped}: {messages:?}");
            let (_, messages) = checked(&body, Coverage::Off);
            assert!(messages.is_empty(), "{messages:?}");
        }
    }

    #[test]
    fn a_misplaced_exemption_is_removed_and_explained() {
        for body in [
            "#[no_checkpoint] let x = loop { checkpoint!() };",
            "#[no_checkpoint] { loop { checkpoint!() } }",
            "#[no_checkpoint] impl A for B {}",
            "#[no_checkpoint] #[livinglock::batch(path = x)] fn f() {} while x { checkpoint!() }",
            "#[no_checkpoint] #[no_checkpoint] loop {}",
            "call(#[no_checkpoint])",
        ] {
            for coverage in [Coverage::Off, Coverage::Deny] {
                let (body, messages) = checked(body, coverage);
                assert!(!body.contains("no_checkpoint"), "{body}");
                assert_eq!(messages, [MISPLACED], "{body}");
            }
        }
        let (body, messages) = checked("#[no_checkpoint(x)] loop {}", Coverage::Deny);
        assert_eq!(messages, [ARGUMENTS], "{body}");
    }

    #[test]
    fn what_others_read_is_left_alone() {
        for body in [
            "quote ! { # [no_checkpoint] loop { } }",
            "# [livinglock :: batch (path = x)] pub fn f () -> u8 { # [no_checkpoint] loop { } }",
            "impl A { # [:: b :: batch (c)] # [d] fn f (& self) { loop { } } }",
            "# [cfg_attr (x , no_checkpoint)] let y = no_checkpoint ;",
        ] {
            let (checked, messages) = checked(body, Coverage::Deny);
            assert_eq!(checked, format!("{{ {body} }}"));
            assert!(messages.is_empty(), "{body}: {messages:?}");
        }
    }

    #[test]
    fn fragments_of_macros_are_read_as_what_they_are() {
        let fragment = |source: &str| {
            let tokens = source.parse().expect("valid tokens");
            TokenTree::from(Group::new(Delimiter::None, tokens))
        };
        let (x, uncovered, covered) = (
            fragment("S { a: 1 }"),
            fragment("{ }"),
            fragment("{ checkpoint!() }"),
        );
        let whole = fragment("loop { }");
        let mut body = Group::new(
            Delimiter::Brace,
            quote! { while #x #uncovered for y in #x #covered loop #uncovered #[no_checkpoint] #whole },
        );
        let mut errors = Vec::new();
        check(&mut body, Coverage::Deny, &mut errors);
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(!body.to_string().contains("no_checkpoint"), "{body}");
    }
}
