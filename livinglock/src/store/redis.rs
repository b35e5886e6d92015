//! Locks in redis.
