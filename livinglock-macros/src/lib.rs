//! The attribute macro of livinglock.
use proc_macro::TokenStream;

/// Runs a function under a lock.
#[proc_macro_attribute]
pub fn batch(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
