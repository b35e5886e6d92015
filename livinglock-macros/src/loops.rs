//! Where the block of a loop is, in tokens that nobody has parsed.
//!
//! Loops are found by their keywords, and their blocks by the little of the grammar of expressions that it takes. What cannot be
//! understood is no loop: the compiler will have an error there.

use proc_macro2::{Delimiter, Spacing, TokenTree};
use syn::Ident;

/// What a loop that begins here does at every turn: its block, and the condition of `while`.
pub(crate) fn turn(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    let (keyword, rest) = tokens.split_first()?;
    if is(keyword, "loop") {
        rest.get(..1)
    } else if is(keyword, "while") {
        rest.get(..=block(rest)?)
    } else if is(keyword, "for") {
        let head = head(rest)?;
        let block = head + block(&rest[head..])?;
        rest.get(block..=block)
    } else {
        None
    }
}

/// Where, after the `for` of a loop, the expression begins.
///
/// `impl Trait for Type` and `for<'a>` have no `in`: if one follows, it is that of another `for`, which comes first.
fn head(tokens: &[TokenTree]) -> Option<usize> {
    let next = |token| is(token, "in") || is(token, "for");
    let next = tokens.iter().position(next)?;
    is(&tokens[next], "in").then_some(next + 1)
}

/// Where the block is that follows an expression: the first brace after an operand, because struct literals are not allowed there.
fn block(tokens: &[TokenTree]) -> Option<usize> {
    // How many blocks are still to come that belong to the expression, as that of a `match` does.
    let mut inner = 0_usize;
    // Whether the last token ended an operand.
    let mut operand = false;
    let mut next = 0;
    while let rest @ [token, ..] = tokens.get(next..)? {
        if operand && is_block(token) {
            if inner == 0 {
                return Some(next);
            }
            inner -= 1;
        } else if let Some(length) = macro_call(rest) {
            next += length - 1;
            operand = true;
        } else {
            operand = match token {
                TokenTree::Group(_) | TokenTree::Literal(_) => true,
                TokenTree::Ident(word) => match &*word.to_string() {
                    "if" | "match" | "while" => {
                        inner += 1;
                        false
                    }
                    "for" => {
                        inner += 1;
                        next += head(&rest[1..])?;
                        false
                    }
                    "let" => {
                        next += pattern(rest)?;
                        false
                    }
                    "async" | "const" | "else" | "loop" | "move" | "mut" | "unsafe" => false,
                    _ => true,
                },
                TokenTree::Punct(punct) => match punct.as_char() {
                    '?' => true,
                    // `0.. {`: a range has no end there.
                    '.' => next > 0 && is_joint(&tokens[next - 1], '.'),
                    '<' if !operand => {
                        next += generics(rest)?;
                        true
                    }
                    '|' if !operand => {
                        next += 1 + rest[1..].iter().position(|token| is_punct(token, '|'))?;
                        false
                    }
                    _ => false,
                },
            };
        }
        next += 1;
    }
    None
}

/// Where the pattern after `let` ends: at a `=` that is not the one of `..=`.
fn pattern(tokens: &[TokenTree]) -> Option<usize> {
    let end = |pair: &[TokenTree]| !is_joint(&pair[0], '.') && is_punct(&pair[1], '=');
    Some(tokens.windows(2).position(end)? + 1)
}

/// Where generic arguments end: at the `>` that closes the `<` at the beginning, and is not the one of `->`.
fn generics(tokens: &[TokenTree]) -> Option<usize> {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !is_joint(&tokens[place - 1], '-') {
            depth -= 1;
            if depth == 0 {
                return Some(place);
            }
        }
    }
    None
}

/// How many tokens the last segment of a macro's name, the `!` and the arguments have, if they begin here.
pub(crate) fn macro_call(tokens: &[TokenTree]) -> Option<usize> {
    match tokens {
        [name, bang, TokenTree::Group(_), ..] if is_name(name) && is_punct(bang, '!') => Some(3),
        [name, _, _, TokenTree::Group(_), ..] if is(name, "macro_rules") => Some(4),
        _ => None,
    }
}

/// Whether it is a block, perhaps one that was given to a macro of the user's.
pub(crate) fn is_block(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) if is_fragment(token) => {
            let mut inside = group.stream().into_iter();
            inside.next().is_some_and(|first| is_block(&first)) && inside.next().is_none()
        }
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

/// Whether it is the invisible group of something that was given to a macro of the user's.
pub(crate) fn is_fragment(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::None)
}

/// Whether it is this word.
pub(crate) fn is(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

/// Whether it is a word, but not a keyword.
fn is_name(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(_)) && syn::parse2::<Ident>(token.clone().into()).is_ok()
}

/// Whether it is this character.
pub(crate) fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Whether it is this character with another one directly after it.
fn is_joint(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character && punct.spacing() == Spacing::Joint)
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    use super::*;

    /// What the loop at the beginning does at every turn.
    fn turn_of(source: &str) -> Option<String> {
        let tokens: TokenStream = source.parse().expect("valid tokens");
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        turn(&tokens).map(|turn| turn.iter().cloned().collect::<TokenStream>().to_string())
    }

    #[test]
    fn a_block_comes_after_the_whole_expression() {
        for head in [
            "for x in y",
            "for S { a, b } in x",
            "for <S as T>::C in x",
            "for x in S::<{ N }>::new()",
            "for x in <S<{ N }> as Iterator>::y(|x| -> u8 { x })",
            "for x in y::<dyn for<'a> Fn(&'a A) -> B, { C }>()",
            "for x in 0..",
            "for x in 0..=9",
            "for x in a..-b",
            "for x in vec! { 1, 2 }",
            "for x in unsafe { y() }.z",
            "for x in match y { A => b, C {} => d }",
            "for x in if y == { z } { a } else if b { c } else { d }",
            "for x in async { y }",
            "for x in 'a: { y }",
            "for x in loop { y }",
            "for x in for y in { z } { a }",
            "for x in while y { z }",
            "for x in { y }",
        ] {
            let turn = turn_of(&format!("{head} {{ block }} {{ next }}"));
            assert_eq!(turn.as_deref(), Some("{ block }"), "{head}");
        }
    }

    #[test]
    fn the_condition_of_while_belongs_to_the_turn() {
        for condition in [
            "x",
            "{ x } == { y }",
            "! { x }",
            "! (x)",
            "x == & mut { y }",
            "const { x } > y",
            "- x as usize <= y",
            "x < y && a :: < B > () > { c }",
            "move || { x }",
            "| a , b | { x }",
            "let S { a , .. } = x && let 1 ..= { N } | T { b } = y",
            "let 1 ..=2=x",
            "let Some (S { a }) = x . y ()",
            "x ? && matches ! { y , z }",
            "x . y () ?",
            "x . await . 0",
        ] {
            let turn = turn_of(&format!("while {condition} {{ block }} {{ next }}"));
            let expected: TokenStream = format!("{condition} {{ block }}")
                .parse()
                .expect("valid tokens");
            assert_eq!(turn, Some(expected.to_string()));
        }
    }

    #[test]
    fn other_uses_of_the_words_are_no_loops() {
        for source in [
            "for B {} for x in y {}",
            "for<'a> fn(&'a u8) = y;",
            "for B where C: for<'a> D<'a> {}",
            "for<'a> Fn(&'a u8) {} for x in y {}",
            "r#for x in y {}",
            "r#while x {}",
            "r#loop {}",
            "looping {}",
            "'a: loop {}",
        ] {
            assert_eq!(turn_of(source), None, "{source}");
        }
    }

    #[test]
    fn what_is_not_complete_is_no_loop() {
        for source in [
            "loop",
            "while",
            "while x",
            "while let",
            "while let x",
            "while a::<b",
            "while |x",
            "for",
            "for x",
            "for x in",
            "for x in y",
            "for x in for y",
            "while if x {}",
        ] {
            assert_eq!(turn_of(source), None, "{source}");
        }
    }

    #[test]
    fn an_arrow_closes_no_generic_arguments() {
        let tokens: TokenStream = "<fn(A) -> B<C>, D> e > f".parse().expect("valid tokens");
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let end = generics(&tokens).expect("an end");
        assert!(is(&tokens[end + 1], "e"), "{}", tokens[end + 1]);
    }

    #[test]
    fn calls_of_macros_are_known() {
        for (source, length) in [
            ("a!()", Some(3)),
            ("a![b] {}", Some(3)),
            ("r#if! {}", Some(3)),
            ("macro_rules! a {}", Some(4)),
            ("a != (b)", None),
            ("if !(a) {}", None),
            ("return ![a]", None),
            ("a.b!()", None),
            ("a", None),
        ] {
            let tokens: TokenStream = source.parse().expect("valid tokens");
            let tokens: Vec<TokenTree> = tokens.into_iter().collect();
            assert_eq!(macro_call(&tokens), length, "{source}");
        }
    }
}
