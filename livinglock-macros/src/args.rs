//! The arguments of the attribute: which there are, and their grammar.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Error, Ident, Lit, LitStr, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{scan, suggestion::nearest};

/// What a key takes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Path,
    /// A file that observers write.
    File,
    /// The URL of a store, or a store.
    Store,
    Name,
    /// The URL that is pinged.
    Ping,
    /// A duration. `zero`: whether it may be zero.
    Duration {
        zero: bool,
    },
    /// An exit status.
    Status,
    /// A `bool`, or the key alone for `true`.
    Switch,
    OnStale,
    /// The permissions of a file.
    Mode,
    /// What to do about loops without a checkpoint.
    Coverage,
    /// An expression of the return type.
    Returned,
    Crate,
}

/// Every key there is. All but `path`, `store`, `on_busy`, `coverage` and `crate` are also the name of a setter of `Job`,
/// and of a file that is no literal that with `_at`.
const KEYS: &[(&str, Kind)] = &[
    ("path", Kind::Path),
    ("store", Kind::Store),
    ("stale", Kind::Duration { zero: false }),
    ("heartbeat", Kind::Duration { zero: false }),
    ("wait", Kind::Duration { zero: true }),
    ("busy", Kind::Status),
    ("quiet", Kind::Switch),
    ("on_busy", Kind::Returned),
    ("on_stale", Kind::OnStale),
    ("grace", Kind::Duration { zero: true }),
    ("warn", Kind::Duration { zero: false }),
    ("at_most", Kind::Duration { zero: false }),
    ("at_least", Kind::Duration { zero: true }),
    ("replace", Kind::Switch),
    ("mode", Kind::Mode),
    ("network_fs", Kind::Switch),
    ("graceful", Kind::Switch),
    ("margin", Kind::Duration { zero: true }),
    ("progress", Kind::Switch),
    ("metrics", Kind::File),
    ("history", Kind::File),
    ("ping", Kind::Ping),
    ("coverage", Kind::Coverage),
    ("name", Kind::Name),
    ("crate", Kind::Crate),
];

/// One argument as it was written.
pub(crate) struct Argument {
    pub(crate) key: Ident,
    pub(crate) kind: Kind,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// No value, which has been reported.
    Absent,
    /// The key alone, where that means `true`.
    Implied,
    Literal(Lit),
    Expression(TokenStream),
}

/// Reads the arguments. What is wrong with one of them does not keep the others from being read.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Vec<Error>) -> Vec<Argument> {
    let list = |input: ParseStream<'_>| {
        let mut arguments: Vec<Argument> = Vec::new();
        while !input.is_empty() {
            let so_far = errors.len();
            if let Some(argument) = argument(input, errors)? {
                if !arguments.iter().any(|earlier| earlier.key == argument.key) {
                    arguments.push(argument);
                } else if errors.len() == so_far {
                    let message = format!("duplicate `{}` argument", argument.key);
                    errors.push(Error::new(argument.key.span(), message));
                }
            }
            if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                errors.push(input.error("expected `,`"));
            }
        }
        Ok(arguments)
    };
    list.parse2(tokens).unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    })
}

/// Reads one argument, without the comma. `None`: there is nothing that later checks could use.
fn argument(input: ParseStream<'_>, errors: &mut Vec<Error>) -> Result<Option<Argument>> {
    let place = input.span();
    if input.peek(LitStr) {
        errors.push(input.error("expected a key; write `path = ..`"));
        return Ok(Some(Argument {
            key: Ident::new("path", place),
            kind: Kind::Path,
            value: Value::of(scan::expression(input)?),
        }));
    }
    if !input.peek(Ident::peek_any) {
        errors.push(input.error(format!("expected one of {}", keys())));
        // Whatever it is, at least one token goes, so that the reading goes on.
        input.parse::<TokenTree>()?;
        scan::expression(input)?;
        return Ok(None);
    }

    let mut key = Ident::parse_any(input)?;
    if !KEYS.iter().any(|(known, _)| key == known) {
        let meant = nearest(&key.to_string(), KEYS.iter().map(|(known, _)| *known));
        let hint = meant
            .map(|meant| format!(" (did you mean `{meant}`?)"))
            .unwrap_or_default();
        errors.push(Error::new(
            place,
            format!("unknown argument `{key}`; expected one of {}{hint}", keys()),
        ));
        if let Some(meant) = meant {
            // Go on as if it had been written, so that no other error follows from this one.
            key = Ident::new(meant, place);
        }
    }
    let kind = KEYS
        .iter()
        .find(|(known, _)| key == known)
        .map(|(_, kind)| *kind);

    let mut value = Value::Absent;
    if !input.is_empty() && !input.peek(Token![,]) {
        if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
        } else {
            errors.push(input.error("expected `=`"));
        }
        value = Value::of(scan::expression(input)?);
    } else if kind == Some(Kind::Switch) {
        value = Value::Implied;
    }
    if kind.is_some() && matches!(value, Value::Absent) {
        errors.push(Error::new(place, format!("expected `{key} = ..`")));
    }
    Ok(kind.map(|kind| Argument { key, kind, value }))
}

/// All keys, for messages.
fn keys() -> String {
    let keys: Vec<String> = KEYS.iter().map(|(key, _)| format!("`{key}`")).collect();
    keys.join(", ")
}

impl Argument {
    /// Whether the `Job` can be a constant as far as this argument is concerned.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self.kind, Kind::Returned | Kind::Crate)
            || !matches!(self.value, Value::Expression(_))
    }
}

impl Value {
    fn of(tokens: TokenStream) -> Self {
        match syn::parse2(tokens.clone()) {
            Ok(literal) => Self::Literal(literal),
            Err(_) if tokens.is_empty() => Self::Absent,
            Err(_) => Self::Expression(tokens),
        }
    }
}

impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Absent | Self::Implied => {}
            Self::Literal(literal) => literal.to_tokens(tokens),
            Self::Expression(expression) => expression.to_tokens(tokens),
        }
    }
}
