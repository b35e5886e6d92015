//! What the arguments mean, checked one by one and against each other.

use std::{path::Path, time::Duration};

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{
    Error, Ident, Lit, LitInt, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{
    args::{Argument, Kind, Value},
    coverage::Coverage,
    duration,
};

/// The stale timeout of a job that does not give one, as documented.
const DEFAULT_STALE: Duration = Duration::from_secs(60 * 60);

/// Valid arguments as tokens.
#[expect(clippy::struct_excessive_bools, reason = "one for each question")]
pub(crate) struct Settings {
    /// Where the runtime crate is.
    pub(crate) runtime: TokenStream,
    /// The call that makes the `Job`, and those of the setters that were written.
    pub(crate) job: TokenStream,
    /// Whether all values are literals, so that the `Job` can be a constant.
    pub(crate) constant: bool,
    /// Whether there is a `name`.
    pub(crate) named: bool,
    /// Whether there is an `on_stale`.
    pub(crate) on_stale: bool,
    pub(crate) on_busy: Option<TokenStream>,
    /// Whether anybody is told how a run ended.
    pub(crate) observed: bool,
    pub(crate) coverage: Coverage,
}

/// Checks the arguments. What comes back is of use only when there was no error.
///
/// `main`: whether the function is `main`, if the item is a function at all.
pub(crate) fn validate(
    arguments: &[Argument],
    main: Option<bool>,
    errors: &mut Vec<Error>,
) -> Settings {
    check_together(arguments, main, errors);
    let mut valid = |tokens: Result<TokenStream>| {
        tokens.unwrap_or_else(|error| {
            errors.push(error);
            TokenStream::new()
        })
    };
    let here = Span::mixed_site();
    let runtime = find(arguments, "crate").map_or_else(
        || quote_spanned!(here=> ::livinglock),
        |argument| valid(runtime(argument)),
    );
    let mut job = match find(arguments, "path").or_else(|| find(arguments, "store")) {
        Some(argument) if argument.kind == Kind::Path => valid(path(argument, &runtime)),
        Some(argument) => valid(store(argument, &runtime)),
        None => valid(Err(Error::new(
            Span::call_site(),
            "missing `path` argument; write `#[livinglock::batch(path = \"/run/job.lock\")]`",
        ))),
    };
    for argument in arguments {
        if !matches!(
            argument.kind,
            Kind::Path | Kind::Store | Kind::Returned | Kind::Coverage | Kind::Crate
        ) {
            let value = valid(setting(argument, &runtime));
            // It keeps the place of the key, where the compiler talks about the type of the value.
            let span = here.located_at(argument.key.span());
            let setter = match (argument.kind, &argument.value) {
                (Kind::File, Value::Expression(_)) => format!("{}_at", argument.key),
                _ => argument.key.to_string(),
            };
            let setter = Ident::new(&setter, span);
            job.extend(quote_spanned!(here=> .#setter(#value)));
        }
    }
    let coverage = find(arguments, "coverage").map_or(Ok(Coverage::Off), coverage);
    let coverage = coverage.unwrap_or_else(|error| {
        errors.push(error);
        Coverage::Off
    });
    Settings {
        runtime,
        job,
        constant: arguments.iter().all(Argument::is_constant),
        named: find(arguments, "name").is_some(),
        on_stale: find(arguments, "on_stale").is_some(),
        on_busy: find(arguments, "on_busy").map(|argument| argument.value.to_token_stream()),
        observed: OBSERVERS.iter().any(|key| find(arguments, key).is_some()),
        coverage,
    }
}

/// The keys of those who are told how a run ended.
const OBSERVERS: [&str; 3] = ["metrics", "history", "ping"];

fn find<'a>(arguments: &'a [Argument], key: &str) -> Option<&'a Argument> {
    arguments.iter().find(|argument| argument.key == key)
}

/// Checks the arguments that are right or wrong depending on others, or on where they are.
fn check_together(arguments: &[Argument], main: Option<bool>, errors: &mut Vec<Error>) {
    let stale = find(arguments, "stale").map_or(Some(DEFAULT_STALE), known_duration);
    if let Some(argument) = find(arguments, "heartbeat")
        && let (Some(heartbeat), Some(stale)) = (known_duration(argument), stale)
        && heartbeat >= stale / 2
    {
        errors.push(error(
            argument,
            "`heartbeat` must be shorter than half of `stale`",
        ));
    }

    let at_most = find(arguments, "at_most").and_then(known_duration);
    let at_least = find(arguments, "at_least").and_then(known_duration);
    let mut bounds = arguments
        .iter()
        .filter(|argument| argument.key == "at_most" || argument.key == "at_least");
    if let (Some(at_most), Some(at_least)) = (at_most, at_least)
        && let Some(second) = bounds.nth(1)
        && at_most <= at_least
    {
        errors.push(error(second, "`at_most` must be longer than `at_least`"));
    }

    check_place(arguments, errors);
    check_features(arguments, errors);

    let mut both = arguments
        .iter()
        .filter(|argument| argument.key == "busy" || argument.key == "on_busy");
    let message = match (both.next(), both.next(), main) {
        (Some(_), Some(second), _) => Some((second, "cannot have both `busy` and `on_busy`")),
        (Some(argument), None, Some(true)) if argument.key == "on_busy" => Some((
            argument,
            "`on_busy` is for other functions; on `main` give an exit status, like `busy = 75`",
        )),
        (Some(argument), None, Some(false)) if argument.key == "busy" => Some((
            argument,
            "`busy` is the exit status of `main`; on other functions write `on_busy = ..`, the value to return",
        )),
        _ => None,
    };
    errors.extend(message.map(|(argument, message)| Error::new(argument.key.span(), message)));
}

/// Checks what is right or wrong depending on where the lock is.
fn check_place(arguments: &[Argument], errors: &mut Vec<Error>) {
    let mut places = arguments
        .iter()
        .filter(|argument| matches!(argument.kind, Kind::Path | Kind::Store));
    let (first, second) = (places.next(), places.next());
    if let Some(second) = second {
        let message = "cannot have both `path` and `store`";
        errors.push(Error::new(second.key.span(), message));
        return;
    }
    let is_in_store = first.is_some_and(|place| place.kind == Kind::Store);
    for argument in arguments {
        let message = match &*argument.key.to_string() {
            "mode" | "network_fs" if is_in_store => {
                format!(
                    "`{}` is for lock files; leave it out with `store`",
                    argument.key
                )
            }
            "on_stale" if is_in_store => {
                "`on_stale` is for lock files: a lease in a `store` runs out by itself".to_owned()
            }
            "margin" if first.is_some() && !is_in_store => {
                "`margin` is for a lease in a `store`: the lock of a file does not run out"
                    .to_owned()
            }
            _ => continue,
        };
        errors.push(Error::new(argument.key.span(), message));
    }
}

/// Checks that what the keys ask for is compiled into `livinglock`.
fn check_features(arguments: &[Argument], errors: &mut Vec<Error>) {
    for argument in arguments {
        // These are features of this crate only so that it knows those of `livinglock`.
        let (feature, is_on) = match &*argument.key.to_string() {
            "progress" => ("progress", cfg!(feature = "progress")),
            "metrics" | "history" => ("metrics", cfg!(feature = "metrics")),
            "ping" => ("ping", cfg!(feature = "ping")),
            _ => continue,
        };
        if !is_on {
            let message = format!(
                "`{}` requires the `{feature}` feature of `livinglock`",
                argument.key
            );
            errors.push(Error::new(argument.key.span(), message));
        }
    }
}

/// The duration of a valid literal.
fn known_duration(argument: &Argument) -> Option<Duration> {
    match (&argument.value, argument.kind) {
        (Value::Literal(literal), Kind::Duration { zero }) => {
            duration_literal(argument, literal, zero).ok()
        }
        _ => None,
    }
}

/// `crate`: the tokens of an absolute path.
fn runtime(argument: &Argument) -> Result<TokenStream> {
    let segments = |input: ParseStream<'_>| {
        let mut absolute = input.parse::<Option<Token![::]>>()?.is_some();
        let first = Ident::parse_any(input)?;
        // `$crate` is what a macro of the user's can give.
        absolute |= first == "crate" || first == "$crate";
        while input.parse::<Option<Token![::]>>()?.is_some() {
            Ident::parse_any(input)?;
        }
        Ok(absolute)
    };
    let tokens = argument.value.to_token_stream();
    match segments.parse2(tokens.clone()) {
        Ok(true) => Ok(tokens),
        Ok(false) => Err(error(
            argument,
            "path must be absolute; write `::livinglock` or `crate::..`",
        )),
        // Nothing at all has been reported already.
        Err(_) if tokens.is_empty() => Ok(tokens),
        Err(_) => Err(error(argument, "expected a path, like `::livinglock`")),
    }
}

/// `path`: the call that makes the `Job`.
fn path(argument: &Argument, runtime: &TokenStream) -> Result<TokenStream> {
    let here = Span::mixed_site();
    match &argument.value {
        Value::Literal(Lit::Str(literal)) => {
            check_path(&literal.value(), "lock file", "/run/job.lock")
                .map_err(|message| error(argument, message))?;
            Ok(quote_spanned!(here=> #runtime::__private::Job::new(#literal)))
        }
        Value::Literal(_) => Err(error(argument, "expected a path")),
        expression => {
            let path = borrow(expression.to_token_stream());
            Ok(quote_spanned!(here=> #runtime::__private::Job::at(#path)))
        }
    }
}

/// Checks the path of what is named here, with an example of one.
fn check_path(path: &str, what: &str, example: &str) -> std::result::Result<(), String> {
    Err(if path.is_empty() {
        format!("path is empty; write the absolute path of the {what}, like \"{example}\"")
    } else if path.contains('\0') {
        "path contains a NUL character, which no file name can".to_owned()
    } else if path.ends_with('/') {
        format!("path names a directory; add the name of the {what}")
    } else if !path.starts_with('/') {
        "path must be absolute, because cron starts jobs in an unspecified directory".to_owned()
    } else {
        return Ok(());
    })
}

/// Checks the path of a file that observers write.
fn check_file(key: &Ident, path: &str) -> std::result::Result<(), String> {
    if key != "metrics" {
        return check_path(path, "journal", "/var/log/job.jsonl");
    }
    let example = "/var/lib/prometheus/node-exporter/job.prom";
    check_path(path, "metrics file", example)?;
    // As it is written: the collector makes a difference between `.prom` and `.PROM`.
    if Path::new(path).extension().is_some_and(|it| it == "prom") {
        Ok(())
    } else {
        Err("the name must end in `.prom`, because node_exporter reads no other file".to_owned())
    }
}

/// `store`: the call that makes the `Job`.
fn store(argument: &Argument, runtime: &TokenStream) -> Result<TokenStream> {
    let here = Span::mixed_site();
    match &argument.value {
        Value::Literal(Lit::Str(literal)) => {
            check_url(&literal.value()).map_err(|message| error(argument, message))?;
            Ok(quote_spanned!(here=> #runtime::__private::Job::by_url(#literal)))
        }
        Value::Literal(_) => Err(error(argument, EXPECTED_URL)),
        expression => {
            let store = borrow(expression.to_token_stream());
            Ok(quote_spanned!(here=> #runtime::__private::Job::in_store(#store)))
        }
    }
}

const EXPECTED_URL: &str = "expected the URL of a store, like \"postgres://db1/app\", \"redis://cache1\" or \"etcd://node1:2379\"";

/// Checks the URL of a store as far as it can be without asking it.
fn check_url(url: &str) -> std::result::Result<(), String> {
    let (scheme, rest) = url.split_once("://").ok_or(EXPECTED_URL)?;
    // These are features of this crate only so that it knows those of `livinglock`.
    let (feature, is_on) = match scheme {
        "postgres" | "postgresql" => ("postgres", cfg!(feature = "postgres")),
        _ if is_scheme(scheme, "redis") => ("redis", cfg!(feature = "redis")),
        _ if is_scheme(scheme, "etcd") => ("etcd", cfg!(feature = "etcd")),
        _ => return Err(EXPECTED_URL.to_owned()),
    };
    if !is_on {
        return Err(format!(
            "`{scheme}://` locks require the `{feature}` feature of `livinglock`"
        ));
    }
    if rest.ends_with('#') {
        return Err(
            "the name of the lock after `#` is empty; write it there, or in `name`".to_owned(),
        );
    }
    Ok(())
}

const EXPECTED_PING: &str = "expected the URL to ping, like \"https://hc-ping.com/uuid\"";

/// Checks the URL that is pinged; one that is computed is checked in the same way when the job begins.
fn check_ping(url: &str) -> std::result::Result<(), &'static str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(if url.is_empty() {
            "the URL to ping is empty; leave the argument out, and nobody is pinged"
        } else {
            EXPECTED_PING
        });
    };
    if !["http", "https"].contains(&scheme) {
        return Err("only http:// and https:// can be pinged");
    }
    if url.contains(['?', '#']) {
        return Err(
            "leave out the `?` or `#` and what follows; the end of the URL is for `/start`, `/fail` and the exit status",
        );
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.is_empty() || host.starts_with(':') {
        return Err("the URL to ping has no host");
    }
    Ok(())
}

/// Whether a URL's scheme is that of an engine: alone, with an `s` for TLS, or with more of its own after a `+`.
fn is_scheme(scheme: &str, engine: &str) -> bool {
    scheme.strip_prefix(engine).is_some_and(|more| {
        more.is_empty() || more == "s" || more.starts_with('+') || more.starts_with("s+")
    })
}

/// The value for the setter of any other key.
fn setting(argument: &Argument, runtime: &TokenStream) -> Result<TokenStream> {
    let here = Span::mixed_site();
    let literal = match &argument.value {
        Value::Literal(literal) => literal,
        Value::Expression(text) if matches!(argument.kind, Kind::Name | Kind::Ping) => {
            let text = borrow(text.clone());
            return Ok(quote_spanned!(here=> ::core::convert::AsRef::<str>::as_ref(#text)));
        }
        Value::Expression(path) if argument.kind == Kind::File => return Ok(borrow(path.clone())),
        Value::Expression(tokens) => return Ok(tokens.clone()),
        Value::Implied => return Ok(quote_spanned!(here=> true)),
        Value::Absent => return Ok(TokenStream::new()),
    };
    let span = here.located_at(literal.span());
    match (argument.kind, literal) {
        (Kind::Duration { zero }, _) => {
            let duration = duration_literal(argument, literal, zero)?;
            let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
            let (seconds, nanoseconds) = (
                Literal::u64_unsuffixed(seconds),
                Literal::u32_unsuffixed(nanoseconds),
            );
            Ok(quote_spanned!(span=> ::core::time::Duration::new(#seconds, #nanoseconds)))
        }
        (Kind::Status, Lit::Int(status)) if let Ok(status) = status.base10_parse::<u8>() => {
            let status = Literal::u8_unsuffixed(status);
            Ok(quote_spanned!(span=> #status))
        }
        (Kind::Status, _) => Err(error(argument, "exit status must be between 0 and 255")),
        (Kind::Switch, Lit::Bool(_)) => Ok(literal.to_token_stream()),
        (Kind::Switch, _) => Err(error(argument, "expected `true` or `false`")),
        (Kind::OnStale, Lit::Str(word)) => {
            let variant = match &*word.value() {
                "terminate" => "Terminate",
                "fence" => "Fence",
                "report" => "Report",
                _ => return Err(error(argument, EXPECTED_ON_STALE)),
            };
            let variant = Ident::new(variant, here);
            Ok(quote_spanned!(span=> #runtime::OnStale::#variant))
        }
        (Kind::OnStale, _) => Err(error(argument, EXPECTED_ON_STALE)),
        (Kind::Mode, Lit::Int(mode)) => permissions(mode).map(ToTokens::into_token_stream),
        (Kind::Mode, _) => Err(error(argument, EXPECTED_MODE)),
        (Kind::Name, Lit::Str(name)) if name.value().is_empty() => Err(error(
            argument,
            "name is empty; leave the argument out for the default",
        )),
        (Kind::Name, Lit::Str(_)) => Ok(literal.to_token_stream()),
        (Kind::Name, _) => Err(error(argument, "expected a name in quotes")),
        (Kind::File, Lit::Str(path)) => check_file(&argument.key, &path.value())
            .map(|()| literal.to_token_stream())
            .map_err(|message| error(argument, message)),
        (Kind::File, _) => Err(error(argument, "expected a path")),
        (Kind::Ping, Lit::Str(url)) => match check_ping(&url.value()) {
            Ok(()) => Ok(literal.to_token_stream()),
            Err(message) => Err(error(argument, message)),
        },
        (Kind::Ping, _) => Err(error(argument, EXPECTED_PING)),
        (Kind::Path | Kind::Store | Kind::Returned | Kind::Coverage | Kind::Crate, _) => {
            unreachable!("`{}` has no setter", argument.key)
        }
    }
}

/// `coverage`: what to do about loops without a checkpoint.
fn coverage(argument: &Argument) -> Result<Coverage> {
    match &argument.value {
        Value::Literal(Lit::Str(word)) if word.value() == "deny" => Ok(Coverage::Deny),
        Value::Literal(Lit::Str(word)) if word.value() == "off" => Ok(Coverage::Off),
        // No value at all has been reported already.
        Value::Absent => Ok(Coverage::Off),
        _ => Err(error(argument, "expected \"deny\" or \"off\"")),
    }
}

/// A reference to what an expression gives, in the place of the expression, where the compiler talks about its type.
fn borrow(expression: TokenStream) -> TokenStream {
    let place = |token: Option<TokenTree>| {
        let here = Span::mixed_site();
        token.map_or(here, |token| here.located_at(token.span()))
    };
    let first = place(expression.clone().into_iter().next());
    let last = place(expression.clone().into_iter().last());
    let mut operand = Group::new(Delimiter::Parenthesis, expression);
    operand.set_span(last);
    quote_spanned!(first=> &#operand)
}

const EXPECTED_ON_STALE: &str = "expected \"terminate\", \"fence\" or \"report\"";
const EXPECTED_MODE: &str = "expected permissions in octal, like `0o600`";

fn duration_literal(argument: &Argument, literal: &Lit, zero: bool) -> Result<Duration> {
    let text = match literal {
        Lit::Str(text) => text.value(),
        // It has no unit, and the error will say so.
        other => other.to_token_stream().to_string(),
    };
    match duration::parse(&text) {
        Ok(Duration::ZERO) if !zero => Err(error(
            argument,
            format!("`{}` must be longer than zero", argument.key),
        )),
        Ok(duration) => Ok(duration),
        Err(message) => Err(error(argument, message)),
    }
}

/// Checks a `mode`: `600` would be read as `0o1130`.
fn permissions(literal: &LitInt) -> Result<&LitInt> {
    let octal = literal.token().to_string().starts_with("0o");
    match literal.base10_parse::<u32>() {
        Ok(0..=0o777) if octal => Ok(literal),
        Ok(_) if octal => Err(Error::new(
            literal.span(),
            "permissions must be between `0o000` and `0o777`",
        )),
        _ => Err(Error::new(literal.span(), EXPECTED_MODE)),
    }
}

/// An error about the value of an argument.
fn error(argument: &Argument, message: impl std::fmt::Display) -> Error {
    Error::new_spanned(&argument.value, message)
}
