//! An in-memory world: AWS, hosts, the store and time, for tests and `migrate rehearse`.
