//! Outer attributes, known by their paths.

use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::{
    Ident, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

use crate::scan::take;

/// One outer attribute.
pub(crate) struct Attribute {
    /// Its path without a leading `::`, for example `tokio::main`.
    pub(crate) path: String,
    /// Whether the path is all there is: no arguments, no value.
    pub(crate) bare: bool,
    tokens: TokenStream,
}

impl Attribute {
    /// Whether it is this macro once more.
    pub(crate) fn is_ours(&self) -> bool {
        self.path == "batch" || self.path == "livinglock::batch"
    }

    /// Whether its path ends in this name, wherever the crate is.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.path.rsplit("::").next() == Some(name)
    }

    /// Whether it only documents, lints, formats or configures: it says something about the function and does nothing to it.
    pub(crate) fn is_passive(&self) -> bool {
        let tool = self.path.split("::").next();
        matches!(
            &*self.path,
            "doc" | "allow" | "expect" | "warn" | "deny" | "forbid" | "cfg"
        ) || matches!(tool, Some("clippy" | "rustfmt" | "diagnostic"))
    }
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut tokens = TokenStream::new();
        take::<Token![#]>(input, &mut tokens)?;
        let content = take::<Group>(input, &mut tokens)?.stream();
        let path = |input: ParseStream<'_>| {
            let path = attribute_path(input)?;
            let bare = input.is_empty();
            input.parse::<TokenStream>()?;
            Ok((path, bare))
        };
        let (path, bare) = path.parse2(content)?;
        Ok(Self { path, bare, tokens })
    }
}

impl ToTokens for Attribute {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}

fn attribute_path(input: ParseStream<'_>) -> Result<String> {
    input.parse::<Option<Token![::]>>()?;
    let mut path = input.call(Ident::parse_any)?.to_string();
    while input.parse::<Option<Token![::]>>()?.is_some() {
        path += "::";
        path += &input.call(Ident::parse_any)?.to_string();
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_known_by_their_paths() {
        for (source, path, bare) in [
            ("#[doc = \"x\"]", "doc", false),
            ("#[::tokio::main]", "tokio::main", true),
            (
                "#[livinglock :: batch(path = \"/x\")]",
                "livinglock::batch",
                false,
            ),
        ] {
            let attribute: Attribute = syn::parse_str(source).expect("an attribute");
            assert_eq!((&*attribute.path, attribute.bare), (path, bare), "{source}");
        }
    }

    #[test]
    fn the_last_segment_tells_wherever_the_crate_is() {
        for (source, expected) in [
            ("#[batch]", true),
            ("#[::a::b::batch(c)]", true),
            ("#[batch::c]", false),
            ("#[minibatch]", false),
        ] {
            let attribute: Attribute = syn::parse_str(source).expect("an attribute");
            assert_eq!(attribute.is("batch"), expected, "{source}");
        }
    }
}
