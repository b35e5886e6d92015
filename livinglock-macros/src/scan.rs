//! Where an expression or a list of generic arguments ends, without parsing what is inside.
//!
//! Expressions and types pass through the macros as opaque tokens: the compiler judges them, in its own words, and the macros need
//! only the smallest part of `syn`, which keeps them quick to build.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Ident, Lit, Result, Token,
    parse::{Parse, ParseStream},
};

/// Takes the tokens of one expression: up to the next comma outside all brackets, or up to a word that can only be the beginning of
/// something else, because the comma before it was forgotten.
///
/// # Errors
///
/// None: what is wrong with the expression, the compiler will say.
pub(crate) fn expression(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    // Whether the last token ended an operand: `<` after one compares, anywhere else it opens generic arguments.
    let mut operand = false;
    while !input.is_empty() && !input.peek(Token![,]) {
        let word = input.peek(Ident) || input.peek(Lit);
        if operand && word {
            break;
        }
        if operand && input.peek(Token![<<]) {
            take::<Token![<<]>(input, &mut tokens)?;
            operand = false;
        } else if operand && input.peek(Token![||]) {
            take::<Token![||]>(input, &mut tokens)?;
            operand = false;
        } else if !operand && input.peek(Token![|]) {
            parameters(input, &mut tokens)?;
        } else if !operand && input.peek(Token![<]) {
            generics(input, &mut tokens)?;
            operand = true;
        } else {
            let name = word
                || input.peek(Token![self])
                || input.peek(Token![Self])
                || input.peek(Token![await]);
            operand = match take(input, &mut tokens)? {
                TokenTree::Ident(_) => name,
                TokenTree::Punct(punct) => punct.as_char() == '?',
                TokenTree::Group(_) | TokenTree::Literal(_) => true,
            };
        }
    }
    Ok(tokens)
}

/// Moves generic arguments or parameters to `tokens`, from `<` to the `>` that closes it.
///
/// # Errors
///
/// None: if nothing closes it, everything is taken.
pub(crate) fn generics(input: ParseStream<'_>, tokens: &mut TokenStream) -> Result<()> {
    let mut depth = 0_usize;
    while !input.is_empty() {
        if input.peek(Token![->]) {
            take::<Token![->]>(input, tokens)?;
            continue;
        }
        match take(input, tokens)? {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    Ok(())
}

/// Moves the parameters of a closure to `tokens`, from `|` to `|`.
fn parameters(input: ParseStream<'_>, tokens: &mut TokenStream) -> Result<()> {
    take::<Token![|]>(input, tokens)?;
    while !input.is_empty() && !input.peek(Token![|]) {
        take::<TokenTree>(input, tokens)?;
    }
    // Its end, if there is one.
    take::<Option<Token![|]>>(input, tokens)?;
    Ok(())
}

/// Moves one piece of syntax to `tokens`, and returns it as well.
///
/// # Errors
///
/// Something else comes next.
pub(crate) fn take<T: Parse + ToTokens>(
    input: ParseStream<'_>,
    tokens: &mut TokenStream,
) -> Result<T> {
    let piece = input.parse::<T>()?;
    piece.to_tokens(tokens);
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use syn::parse::Parser;

    use super::*;

    /// The expressions of a comma-separated list.
    fn split(source: &str) -> Vec<String> {
        let list = |input: ParseStream<'_>| {
            let mut list = vec![expression(input)?.to_string()];
            while !input.is_empty() {
                // A missing comma is where the second expression begins all the same.
                if input.peek(Token![,]) {
                    input.parse::<Token![,]>()?;
                }
                list.push(expression(input)?.to_string());
            }
            Ok(list)
        };
        list.parse_str(source).expect("the source is well formed")
    }

    #[track_caller]
    fn assert_one(source: &str) {
        assert_eq!(split(source).len(), 1, "{:?}", split(source));
    }

    #[test]
    fn an_expression_ends_at_a_comma_outside_all_brackets() {
        assert_eq!(split("a, b").len(), 2);
        assert_eq!(split("a(b, c), [d, e], { f; g }").len(), 3);
        assert_eq!(split("a < b, c > d").len(), 2);
        assert_eq!(split("a::<T>() < b, c > d").len(), 2);
        assert_eq!(split("a? < b, c > d").len(), 2);
        assert_eq!(split("a.await < b, self < c, c > d").len(), 3);
        assert_eq!(split("1 << 2, 8 >> 1").len(), 2);
    }

    #[test]
    fn generic_arguments_keep_their_commas() {
        assert_one("from::<A, B>()");
        assert_one("<Map<A, B> as Lookup<A, B>>::get(x)");
        assert_one("x + <A as B<C, D>>::E");
        assert_one("call::<fn(A) -> B, C>()");
        assert_one("call::<A<B<C, D>>, E>(1 << 3)");
    }

    #[test]
    fn keywords_do_not_end_an_expression() {
        assert_one("if let Some(x) = y { x } else { unsafe { z } }");
        assert_one("match x as u8 { 1 => true, _ => false }");
    }

    #[test]
    fn the_parameters_of_a_closure_keep_their_commas() {
        assert_one("move || return 5");
        assert_one("|a, b: Map<C, D>| a + b");
        assert_one("x.map(y, |a, b| a) || !|a, b| c");
        assert_eq!(split("a || b, c | d, e || f").len(), 3);
    }

    #[test]
    fn a_forgotten_comma_ends_an_expression() {
        assert_eq!(split("a() stale = 5"), ["a ()", "stale = 5"]);
        assert_eq!(split(r#""x" "y""#).len(), 2);
        assert_eq!(split("{ a } b").len(), 2);
    }

    #[test]
    fn what_is_never_closed_takes_everything() {
        assert_one("a::<B, C");
        assert_one("|a, b");
    }
}
