//! What the attribute puts in the place of the function.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Ident, Result, ext::IdentExt};

use crate::{
    args,
    item::{Function, Returns},
    settings::{self, Settings},
};

/// Expands one `#[livinglock::batch(arguments)] item`.
///
/// On errors all of them come at once, and the item as it was: editors go on to work, and nothing that only lacks the function is
/// reported on top.
pub(crate) fn batch(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Vec::new();
    let arguments = args::parse(arguments, &mut errors);
    let function = syn::parse2::<Function>(item.clone());
    let main = function.as_ref().ok().map(Function::is_main);
    let settings = settings::validate(&arguments, main, &mut errors);
    let expansion = function.and_then(|function| {
        check(&function, &mut errors);
        if function.is_main() {
            Ok(on_main(&function, &settings))
        } else {
            on_function(&function, &settings)
        }
    });
    match expansion {
        Ok(expansion) if errors.is_empty() => return expansion,
        Ok(_) => {}
        Err(error) => errors.push(error),
    }
    let errors = errors.iter().map(Error::to_compile_error);
    let item = unlocked(item);
    quote!(#(#errors)* #item)
}

/// Finds what no arguments could make right.
fn check(function: &Function, errors: &mut Vec<Error>) {
    for second in function
        .attributes
        .iter()
        .filter(|attribute| attribute.is_ours())
    {
        errors.push(Error::new_spanned(
            second,
            "duplicate `#[livinglock::batch]` attribute",
        ));
    }
    if let Some(span) = function.constness {
        let message = "`#[livinglock::batch]` applies to functions that are not `const`: a lock cannot be taken while compiling";
        errors.push(Error::new(span, message));
    }
    if let Some(span) = function.asyncness {
        if function.lacks_runtime() {
            let message = "`async fn main` needs a runtime; put `#[tokio::main]` below `#[livinglock::batch]`";
            errors.push(Error::new(span, message));
        } else if !function.is_main() {
            let message = "locks on async functions are not supported yet; put the attribute on `main` or on a synchronous function";
            errors.push(Error::new(span, message));
        }
    }
    if let (true, Some(span)) = (function.is_main(), function.foreign) {
        errors.push(Error::new(
            span,
            "the `main` of a program is neither `unsafe` nor `extern`",
        ));
    }
}

/// The item without a lock, for the company of errors.
fn unlocked(item: TokenStream) -> TokenStream {
    let Ok(mut function) = syn::parse2::<Function>(item.clone()) else {
        return item;
    };
    function.attributes.retain(|attribute| !attribute.is_ours());
    let Function {
        attributes,
        visibility,
        header,
        body,
        name,
        ..
    } = &function;
    if function.lacks_runtime() {
        // A `main` that is still `async` would be one more error, with another remedy.
        return quote!(fn main() { #(#attributes)* #header #body let _ = #name; });
    }
    quote!(#(#attributes)* #visibility #header #body)
}

/// `main` within another `main`, so that its return type stays its own affair.
fn on_main(function: &Function, settings: &Settings) -> TokenStream {
    let here = Span::mixed_site();
    let Settings { runtime, .. } = settings;
    let Function {
        attributes,
        visibility,
        header,
        body,
        name,
        ..
    } = function;
    let (outer, inner): (Vec<_>, Vec<_>) = attributes
        .iter()
        .partition(|attribute| attribute.is_passive());
    let package = quote_spanned!(here=> .package(::core::option_env!("CARGO_PKG_NAME")));
    let job = job(settings, &package, "Terminate");
    quote_spanned! {here=>
        #(#outer)*
        #visibility fn #name() -> ::std::process::ExitCode {
            #(#inner)*
            #header #body
            #runtime::__private::run(#job, #name)
        }
    }
}

/// A guard around the body, so that every signature works.
fn on_function(function: &Function, settings: &Settings) -> Result<TokenStream> {
    let Function {
        attributes,
        visibility,
        header,
        ..
    } = function;
    let span = function.body.span();
    let (inner_attributes, statements) = function.split_body();
    // With the span of the user's brace ours would look like one written for nothing, and in the
    // 2021 edition the temporaries of the last expression would outlive the guard.
    let guarded = block(Span::mixed_site().located_at(span), statements);
    let guarded = guard(function, settings, &guarded)?;
    let body = block(span, quote!(#inner_attributes #guarded));
    Ok(quote!(#(#attributes)* #visibility #header #body))
}

/// The body after the lock is taken, or else what the function returns without it.
fn guard(function: &Function, settings: &Settings, body: &Group) -> Result<TokenStream> {
    let here = Span::mixed_site();
    let name = function.name.unraw().to_string();
    let path = quote_spanned!(here=> .name(::core::concat!(::core::module_path!(), "::", #name)));
    let job = job(settings, &path, "Fence");
    let runtime = &settings.runtime;
    let enter_or_return = |enter: TokenStream, span: Span| {
        // Where the error of the return type cannot come from ours, the compiler says so there.
        let question = quote_spanned!(here.located_at(span)=> ?);
        quote_spanned! {here=>
            let _guard = #runtime::__private::#enter(#job) #question;
            #body
        }
    };
    match (&settings.on_busy, function.returns()) {
        // No `return`, which would be unreachable after a value such as `panic!()`. What the job is
        // made of is dropped before the body begins.
        (Some(value), _) => Ok(quote_spanned! {here=>
            let entered = #runtime::__private::try_enter(#job);
            match entered {
                ::core::option::Option::Some(_guard) => #body
                ::core::option::Option::None => { #value }
            }
        }),
        (None, Returns::Nothing) => Ok(quote_spanned! {here=>
            let ::core::option::Option::Some(_guard) = #runtime::__private::try_enter(#job) else { return };
            #body
        }),
        (None, Returns::Option(span)) => Ok(enter_or_return(quote!(try_enter), span)),
        (None, Returns::Result(span)) => Ok(enter_or_return(quote!(enter), span)),
        (None, Returns::Other) => Err(Error::new_spanned(
            &function.output,
            "this type cannot say that the function was skipped; write `on_busy = ..`, the value to return then",
        )),
    }
}

/// A reference to the `Job`, a constant one where possible.
fn job(settings: &Settings, default_name: &TokenStream, default_on_stale: &str) -> TokenStream {
    let here = Span::mixed_site();
    let Settings { runtime, job, .. } = settings;
    let name = (!settings.named).then_some(default_name);
    let on_stale = (!settings.on_stale).then(|| {
        let variant = Ident::new(default_on_stale, here);
        quote_spanned!(here=> .on_stale(#runtime::OnStale::#variant))
    });
    if settings.constant {
        // Not an item: its name would be in scope in the user's code.
        quote_spanned!(here=> &const { #job #name #on_stale })
    } else {
        quote_spanned!(here=> &#job #name #on_stale)
    }
}

fn block(span: Span, statements: TokenStream) -> Group {
    let mut block = Group::new(Delimiter::Brace, statements);
    block.set_span(span);
    block
}

#[cfg(test)]
mod tests {
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
               grace = "400ms", warn = "30m", name = "n", mode = 0o640, network_fs = false, crate = crate::lock,"#,
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
                            .name("n")
                            .mode(0o640)
                            .network_fs(false)
                    },
                    main
                )
            }"#,
        );
    }

    #[test]
    fn expressions_are_passed_on() {
        assert_expands(
            r#"path = dir::<A, B>().join("x"), quiet = is_quiet(), name = format!("{x}"), on_stale = y"#,
            "fn main() {}",
            r#"fn main() -> ::std::process::ExitCode {
                fn main() {}
                ::livinglock::__private::run(
                    &::livinglock::__private::Job::at(&(dir::<A, B>().join("x")))
                        .quiet(is_quiet())
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
                        ::core::option::Option::Some(_guard) => {{ body() }}
                        ::core::option::Option::None => {{ Ok(3) }}
                    }}
                }}"
            ),
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
}

#[cfg(test)]
mod properties;
