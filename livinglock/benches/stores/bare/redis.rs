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

    /// Runs a script, which has to succeed.
    fn run(&mut self, script: &str, arguments: &[&str]) {
        let answer: Vec<Value> = redis::cmd("EVAL")
            .arg(script)
            .arg(1)
            .arg(&self.key)
            .arg(&self.owner)
            .arg(arguments)
            .query(&mut self.connection)
            .expect("an answer");
        let done = answer.into_iter().next().map(u64::from_redis_value);
        assert!(matches!(done, Some(Ok(1..))), "{done:?}");
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
        self.run(script!("acquire.lua"), &[&record, "3600000000", ""]);
        self.is_held = true;
    }

    fn look(&mut self) {
        self.run(script!("look.lua"), &[]);
    }

    fn renew(&mut self) {
        let record = self.record.clone();
        self.run(script!("write.lua"), &[&record, "3600000000"]);
    }

    fn see(&mut self) {
        self.look();
    }

    fn release(&mut self) {
        self.run(script!("end.lua"), &["", "0", "0"]);
        self.is_held = false;
    }
}
