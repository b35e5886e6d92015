#[livinglock::batch(path = "/run/x.lock", store = "postgres://db1/app")]
fn both() {}

#[livinglock::batch(store = "mysql://db1/app")]
fn unknown_scheme() {}

#[livinglock::batch(store = "/run/x.lock")]
fn a_path() {}

#[livinglock::batch(store = 3)]
fn a_number() {}

#[livinglock::batch(store = "postgres://db1/app#")]
fn no_name() {}

#[livinglock::batch(store = "postgres://db1/app", mode = 0o600, network_fs, on_stale = "fence")]
fn of_files() {}

#[livinglock::batch(path = "/run/x.lock", margin = "3s")]
fn of_leases() {}

#[livinglock::batch(store)]
fn no_value() {}

#[livinglock::batch(store = 3_u8 + 4)]
fn neither_url_nor_store() {}

fn main() {}
