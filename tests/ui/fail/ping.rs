#[livinglock::batch(path = "/run/x.lock", ping = "hc.example/uuid")]
fn no_scheme() {}

#[livinglock::batch(path = "/run/x.lock", ping = "ftp://hc.example/uuid")]
fn another_scheme() {}

#[livinglock::batch(path = "/run/x.lock", ping = "https:///uuid")]
fn no_host() {}

#[livinglock::batch(path = "/run/x.lock", ping = "https://hc.example/uuid?create=1")]
fn a_query() {}

#[livinglock::batch(path = "/run/x.lock", ping = "https://hc.example/uuid#1")]
fn a_fragment() {}

#[livinglock::batch(path = "/run/x.lock", ping = "")]
fn empty() {}

#[livinglock::batch(path = "/run/x.lock", ping = 3)]
fn a_number() {}

#[livinglock::batch(path = "/run/x.lock", ping)]
fn no_value() {}

#[livinglock::batch(path = "/run/x.lock", ping = 3_u8 + 4)]
fn no_text() {}

fn main() {}
