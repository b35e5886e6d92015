//! What the attribute puts in the place of the function.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Ident, Result, ext::IdentExt};

use crate::{
    args, coverage,
    item::{Function, Returns},
    settings::{self, Settings},
};

/// Expands one `#[livinglock::batch(arguments)] item`.
///
/// On errors all of them come at once, and the item without what only this macro understands: editors go on to work, and nothing
/// that only lacks the function is reported on top.
pub(crate) fn batch(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Vec::new();
    let arguments = args::parse(arguments, &mut errors);
    let function = syn::parse2::<Function>(item.clone());
    let main = function.as_ref().ok().map(Function::is_main);
    let settings = settings::validate(&arguments, main, &mut errors);
    let item = match function {
        Ok(mut function) => {
            check(&function, &mut errors);
            coverage::check(&mut function.body, settings.coverage, &mut errors);
            match locked(&function, &settings) {
                Ok(expansion) if errors.is_empty() => return expansion,
                Ok(_) => {}
                Err(error) => errors.push(error),
            }
            unlocked(function)
        }
        Err(error) => {
            errors.push(error);
            item
        }
    };
    let errors = errors.iter().map(Error::to_compile_error);
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
    if let (true, Some(span)) = (function.lacks_runtime(), function.asyncness) {
        let message =
            "`async fn main` needs a runtime; put `#[tokio::main]` below `#[livinglock::batch]`";
        errors.push(Error::new(span, message));
    }
    if let (true, Some(span)) = (function.is_main(), function.foreign) {
        errors.push(Error::new(
            span,
            "the `main` of a program is neither `unsafe` nor `extern`",
        ));
    }
}

/// The function with a lock.
fn locked(function: &Function, settings: &Settings) -> Result<TokenStream> {
    if function.is_main() {
        Ok(on_main(function, settings))
    } else {
        on_function(function, settings)
    }
}

/// The function without a lock, for the company of errors.
fn unlocked(mut function: Function) -> TokenStream {
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
    let statements = match function.nameable_output() {
        Some(output) if function.asyncness.is_some() => {
            // The type of an asynchronous block, unlike that of a function, cannot be written; but this tells the compiler.
            let here = Span::mixed_site();
            let runtime = &settings.runtime;
            quote_spanned! {here=>
                if let ::core::option::Option::Some(value) = #runtime::__private::no_value::<#output>() {
                    return value;
                }
                #statements
            }
        }
        _ => statements,
    };
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
    let call = |enter: &str| {
        let suffix = function.asyncness.map_or("", |_| "_async");
        let enter = Ident::new(&format!("{enter}{suffix}"), here);
        quote_spanned!(here=> #runtime::__private::#enter(#job))
    };
    let is_async = function.asyncness.is_some();
    // A closure costs a body its place in the function, so it is for those alone who are told of an error.
    let is_judged = settings.observed && matches!(function.returns(), Returns::Result(_));
    let held = match (is_async, is_judged) {
        (true, true) => quote_spanned!(here=> guard.hold_result(async move #body).await),
        (true, false) => quote_spanned!(here=> guard.hold(async move #body).await),
        (false, true) => {
            // Without its type the closure would be inferred, and nothing in it converted: no `&String` to a `&str`.
            let output = function.nameable_output();
            let output = output.map(|output| quote_spanned!(here=> -> #output));
            quote_spanned!(here=> guard.hold_result(move || #output #body))
        }
        (false, false) => body.to_token_stream(),
    };
    let guard = if is_async || is_judged {
        "guard"
    } else {
        "_guard"
    };
    let guard = Ident::new(guard, here);
    let enter_or_return = |enter: &str, span: Span| {
        // Where the error of the return type cannot come from ours, the compiler says so there.
        let question = quote_spanned!(here.located_at(span)=> ?);
        let entering = call(enter);
        if !is_async {
            return quote_spanned! {here=>
                let #guard = #entering #question;
                #held
            };
        }
        // What the job is made of is dropped before anybody waits.
        quote_spanned! {here=>
            let entering = #entering;
            let #guard = entering.await #question;
            #held
        }
    };
    match (&settings.on_busy, function.returns()) {
        // No `return`, which would be unreachable after a value such as `panic!()`. What the job is
        // made of is dropped before the body begins.
        (Some(value), _) => {
            let entering = call("try_enter");
            let awaited = is_async.then(|| quote_spanned!(here=> .await));
            Ok(quote_spanned! {here=>
                let entered = #entering;
                match entered #awaited {
                    ::core::option::Option::Some(#guard) => #held,
                    ::core::option::Option::None => { #value }
                }
            })
        }
        (None, Returns::Nothing) if is_async => {
            let entering = call("try_enter");
            Ok(quote_spanned! {here=>
                let entering = #entering;
                let ::core::option::Option::Some(#guard) = entering.await else { return };
                #held
            })
        }
        (None, Returns::Nothing) => {
            let entering = call("try_enter");
            Ok(quote_spanned! {here=>
                let ::core::option::Option::Some(#guard) = #entering else { return };
                #held
            })
        }
        (None, Returns::Option(span)) => Ok(enter_or_return("try_enter", span)),
        (None, Returns::Result(span)) => Ok(enter_or_return("enter", span)),
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
mod properties;
#[cfg(test)]
mod tests;
