//! The annotated function, taken apart no further than the expansion needs.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::{
    Error, Ident, LitStr, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    token::{Brace, Paren},
};

use crate::{
    attribute::Attribute,
    scan::{generics, take},
};

/// A function with a body.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: TokenStream,
    /// Everything from the qualifiers to the body: `async fn name(..) -> .. where ..`.
    pub(crate) header: TokenStream,
    /// The span of `const`.
    pub(crate) constness: Option<Span>,
    /// The span of `async`.
    pub(crate) asyncness: Option<Span>,
    /// The span of `unsafe` or `extern`.
    pub(crate) foreign: Option<Span>,
    pub(crate) name: Ident,
    /// Whether the function takes no arguments.
    pub(crate) nullary: bool,
    /// The return type, if one is written.
    pub(crate) output: Option<TokenStream>,
    pub(crate) body: Group,
}

/// What a function returns, with the span of the word that tells.
#[derive(Debug)]
pub(crate) enum Returns {
    /// `()`
    Nothing,
    /// `Option<..>`
    Option(Span),
    /// `Result<..>`, also `io::Result<..>`
    Result(Span),
    Other,
}

impl Function {
    /// Whether this is the `main` of a program, as opposed to a function that happens to have the same name.
    pub(crate) fn is_main(&self) -> bool {
        self.name == "main" && self.nullary
    }

    /// Whether this is an `async fn main` without an attribute below ours that could make it a synchronous one.
    pub(crate) fn lacks_runtime(&self) -> bool {
        let mut attributes = self.attributes.iter();
        self.is_main()
            && self.asyncness.is_some()
            && attributes.all(|attribute| attribute.is_passive() || attribute.is_ours())
    }

    /// What the function returns, as far as its name tells.
    pub(crate) fn returns(&self) -> Returns {
        let Some(output) = &self.output else {
            return Returns::Nothing;
        };
        returns.parse2(output.clone()).unwrap_or(Returns::Other)
    }

    /// The return type, if it may be written elsewhere too, and says anything.
    pub(crate) fn nameable_output(&self) -> Option<&TokenStream> {
        let output = self.output.as_ref()?;
        let is_never = output.to_string() == "!";
        let is_unit = matches!(self.returns(), Returns::Nothing);
        (!is_never && !is_unit && !has_impl(output)).then_some(output)
    }

    /// The body split into its inner attributes, which have to stay at the top of the function, and the rest.
    pub(crate) fn split_body(&self) -> (TokenStream, TokenStream) {
        let split = |input: ParseStream<'_>| {
            let mut attributes = TokenStream::new();
            while input.peek(Token![#]) && input.peek2(Token![!]) {
                for _ in 0..3 {
                    take::<TokenTree>(input, &mut attributes)?;
                }
            }
            Ok((attributes, input.parse()?))
        };
        split
            .parse2(self.body.stream())
            .expect("a function's body that the compiler has parsed")
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = Vec::new();
        while input.peek(Token![#]) {
            attributes.push(input.parse()?);
        }

        let mut visibility = TokenStream::new();
        if input.peek(Token![pub]) {
            take::<Token![pub]>(input, &mut visibility)?;
            if input.peek(Paren) {
                take::<Group>(input, &mut visibility)?;
            }
        }

        let keyword = input.span();
        let mut header = TokenStream::new();
        let (mut constness, mut asyncness, mut foreign) = (None, None, None);
        loop {
            if input.peek(Token![const]) {
                constness = Some(take::<Token![const]>(input, &mut header)?.span);
            } else if input.peek(Token![async]) {
                asyncness = Some(take::<Token![async]>(input, &mut header)?.span);
            } else if input.peek(Token![unsafe]) {
                foreign = Some(take::<Token![unsafe]>(input, &mut header)?.span);
            } else if input.peek(Token![extern]) {
                foreign = Some(take::<Token![extern]>(input, &mut header)?.span);
                if input.peek(LitStr) {
                    take::<LitStr>(input, &mut header)?;
                }
            } else {
                break;
            }
        }
        if !input.peek(Token![fn]) {
            return Err(Error::new(
                keyword,
                "`#[livinglock::batch]` applies to functions; put it on `main` or on the function that must never overlap itself",
            ));
        }
        take::<Token![fn]>(input, &mut header)?;
        let name = input.call(Ident::parse_any)?;
        header.append(name.clone());
        if input.peek(Token![<]) {
            generics(input, &mut header)?;
        }
        let nullary = take::<Group>(input, &mut header)?.stream().is_empty();

        let mut output = None;
        if input.peek(Token![->]) {
            take::<Token![->]>(input, &mut header)?;
            let mut tokens = TokenStream::new();
            while !ends_type(input) {
                take::<TokenTree>(input, &mut tokens)?;
            }
            tokens.to_tokens(&mut header);
            output = Some(tokens);
        }
        while !ends_header(input) {
            take::<TokenTree>(input, &mut header)?;
        }
        if !input.peek(Brace) {
            return Err(Error::new(
                keyword,
                "`#[livinglock::batch]` applies to functions with a body; put it on the implementation of this one",
            ));
        }
        Ok(Self {
            attributes,
            visibility,
            header,
            constness,
            asyncness,
            foreign,
            name,
            nullary,
            output,
            body: visible(input.parse()?),
        })
    }
}

/// Whether a type has `impl Trait` in it.
fn has_impl(output: &TokenStream) -> bool {
    output.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => has_impl(&group.stream()),
        TokenTree::Ident(word) => word == "impl",
        _ => false,
    })
}

/// The body itself: that of a macro's `$body:block` comes in an invisible group of its own.
fn visible(mut body: TokenTree) -> Group {
    loop {
        match body {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                body = group
                    .stream()
                    .into_iter()
                    .next()
                    .expect("more than an empty group, as peeked");
            }
            TokenTree::Group(group) => return group,
            other => unreachable!("`{other}` is no body, as peeked"),
        }
    }
}

/// Whether only the body, or the `;` in place of one, is left. (Bounds and array lengths may contain braces too.)
fn ends_header(input: ParseStream<'_>) -> bool {
    let rest = input.fork();
    rest.parse::<TokenTree>().is_err() || rest.is_empty()
}

fn ends_type(input: ParseStream<'_>) -> bool {
    input.peek(Token![where]) || ends_header(input)
}

fn returns(input: ParseStream<'_>) -> Result<Returns> {
    let returns = if input.peek(Paren) {
        if input.parse::<Group>()?.stream().is_empty() {
            Returns::Nothing
        } else {
            Returns::Other
        }
    } else {
        input.parse::<Option<Token![::]>>()?;
        let mut last = Ident::parse_any(input)?;
        while input.peek(Token![::]) {
            input.parse::<Token![::]>()?;
            last = Ident::parse_any(input)?;
        }
        if input.peek(Token![<]) {
            generics(input, &mut TokenStream::new())?;
        }
        if last == "Option" {
            Returns::Option(last.span())
        } else if last == "Result" {
            Returns::Result(last.span())
        } else {
            Returns::Other
        }
    };
    // Anything that follows belongs to a type of another form: an error here too is `Other`.
    input
        .is_empty()
        .then_some(returns)
        .ok_or_else(|| input.error("another form of type"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(source: &str) -> Function {
        syn::parse_str(source).unwrap_or_else(|error| panic!("{source}: {error}"))
    }

    fn output(source: &str) -> Option<String> {
        function(source).output.map(|output| output.to_string())
    }

    #[test]
    fn every_header_is_understood() {
        for source in [
            "fn f() {}",
            "pub fn f() {}",
            "pub(crate) async fn f() {}",
            "pub(in a::b) const unsafe extern \"C\" fn f() {}",
            "extern fn f() {}",
            "fn f<'a, T: Fn(u8) -> Vec<Vec<T>>, const N: usize>(&self, [a, b]: [T; N]) where [(); { N }]: Sized {}",
            "#[doc = \"x\"] #[::a::b(c)] #[unsafe(no_mangle)] fn r#fn() {}",
        ] {
            let function = function(source);
            let (attributes, visibility, header, body) = (
                &function.attributes,
                &function.visibility,
                &function.header,
                &function.body,
            );
            let printed = quote::quote!(#(#attributes)* #visibility #header #body);
            let expected: TokenStream = source.parse().expect("valid tokens");
            assert_eq!(printed.to_string(), expected.to_string());
        }
    }

    #[test]
    fn return_types_are_found() {
        assert_eq!(output("fn f() {}"), None);
        assert_eq!(output("fn f<F: Fn() -> u8>() {}"), None);
        assert_eq!(output("fn f<T>() where T: Fn() -> u8 {}"), None);
        assert_eq!(output("fn f() -> ! {}").as_deref(), Some("!"));
        assert_eq!(
            output("fn f<T>() -> Vec<[T; { 2 }]> where T: Copy {}").as_deref(),
            Some("Vec < [T ; { 2 }] >")
        );
    }

    #[test]
    fn return_types_are_known_by_their_last_word() {
        for (output, expected) in [
            ("()", "Nothing"),
            ("!", "Other"),
            ("Option<u8>", "Option"),
            ("::core::option::Option<Vec<(u8, u8)>>", "Option"),
            ("Result<(), Box<dyn Fn(u8) -> u8>>", "Result"),
            ("std::io::Result<()>", "Result"),
            ("anyhow::Result", "Result"),
            ("(Option<u8>,)", "Other"),
            ("&Option<u8>", "Other"),
            ("Option<u8>::Item", "Other"),
            ("<A as B>::Result", "Other"),
            ("impl Future<Output = Result<(), ()>>", "Other"),
            ("Vec<Option<u8>>", "Other"),
        ] {
            let returns = function(&format!("fn f() -> {output} {{}}")).returns();
            let variant = format!("{returns:?}");
            assert_eq!(variant.split('(').next(), Some(expected), "{output}");
        }
        assert!(matches!(function("fn f() {}").returns(), Returns::Nothing));
    }

    #[test]
    fn main_takes_no_arguments() {
        assert!(function("pub async fn main() -> u8 { 0 }").is_main());
        assert!(!function("fn main(argc: i32) -> i32 { 0 }").is_main());
        assert!(!function("fn other() {}").is_main());
    }

    #[test]
    fn inner_attributes_are_split_off() {
        let (attributes, rest) =
            function("fn f() { #![allow(a)] #![doc = \"b\"] #[c] let d = !e; }").split_body();
        assert_eq!(attributes.to_string(), "#! [allow (a)] #! [doc = \"b\"]");
        assert_eq!(rest.to_string(), "# [c] let d = ! e ;");
    }

    #[test]
    fn other_items_are_refused() {
        for source in [
            "struct S;",
            "const N: u8 = 3;",
            "unsafe impl A for B {}",
            "mod m {}",
            "fn f();",
            "pub(crate) static X: u8 = 1;",
        ] {
            let error = syn::parse_str::<Function>(source)
                .err()
                .unwrap_or_else(|| panic!("{source} was accepted"));
            assert!(
                error
                    .to_string()
                    .starts_with("`#[livinglock::batch]` applies to functions"),
                "{error}"
            );
        }
    }
}
