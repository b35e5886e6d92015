//! Redis.

use redis::{
    Client as Opener, Connection, ConnectionAddr, FromRedisValue, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, Value,
};

use crate::{client::Client, ours};

macro_rules! script {
    ($file:literal) => {
        concat!(
            include_str!("../../../src/store/redis/scripts/found.lua"),
            include_str!(concat!("../../../src/store/redis/scripts/", $file))
        )
    };
}

/// A connection, and what is said by it.
pub(super) struct Bare {
    connection: Connection,
    key: String,
    owner: String,
    record: String,
    is_held: bool,
}

impl Bare {
    pub(super) fn connect(port: u16, name: &str) -> Self {
        let record = ours::record();
        Self {
            connection: open(port).expect("a connection"),
            key: format!("livinglock:{{{name}}}"),
            record: record.to_json(),
            owner: record.owner,
            is_held: false,
        }
    }

    fn run(&mut self, script: &str, owner: &str, arguments: &[&str]) -> Vec<Value> {
        redis::cmd("EVAL")
            .arg(script)
            .arg(1)
            .arg(&self.key)
            .arg(owner)
            .arg(arguments)
            .query(&mut self.connection)
            .expect("an answer")
    }

    /// Runs a script of the holder, which has to succeed.
    fn run_ours(&mut self, script: &str, arguments: &[&str]) {
        let owner = self.owner.clone();
        let answer = self.run(script, &owner, arguments);
        assert!(number(&answer[0]) > 0, "{answer:?}");
    }
}

/// Without telling the server the name of the library.
fn open(port: u16) -> RedisResult<Connection> {
    let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), port).into_connection_info()?;
    let quiet = RedisConnectionInfo::default().set_skip_set_lib_name();
    Opener::open(address.set_redis_settings(quiet))?.get_connection()
}

impl Client for Bare {
    fn make_ready(&mut self) {
        if self.is_held {
            self.release();
        }
    }

    fn acquire(&mut self) {
        let record = self.record.clone();
        self.run_ours(script!("acquire.lua"), &[&record, "3600000000", ""]);
        self.is_held = true;
    }

    fn look(&mut self) {
        self.run_ours(script!("look.lua"), &[]);
    }

    fn renew(&mut self) {
        let record = self.record.clone();
        self.run_ours(script!("write.lua"), &[&record, "3600000000"]);
    }

    fn see(&mut self) {
        let answer = self.run(script!("look.lua"), "", &[]);
        // What is left of the lease.
        assert!(number(&answer[4]) > 0, "{answer:?}");
    }

    fn release(&mut self) {
        self.run_ours(script!("end.lua"), &["", "0", "0"]);
        self.is_held = false;
    }
}

fn number(value: &Value) -> i64 {
    i64::from_redis_value_ref(value).expect("a number")
}
