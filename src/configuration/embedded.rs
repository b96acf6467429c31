//! What is built into the binary: the phases, the files they install, and the starter.

/// The files of the phases, by name.
pub const PHASES: [(&str, &str); 5] = [
    ("0-preflight.yaml", include_str!("../../phases/0-preflight.yaml")),
    ("1-infrastructure.yaml", include_str!("../../phases/1-infrastructure.yaml")),
    ("2-staging-copy.yaml", include_str!("../../phases/2-staging-copy.yaml")),
    ("3-worker-tuning.yaml", include_str!("../../phases/3-worker-tuning.yaml")),
    ("4-production.yaml", include_str!("../../phases/4-production.yaml")),
];

/// A file below `phases/`, with its path.
macro_rules! installed {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../phases/", $path)))
    };
}

/// The files that phases install on targets, by path below `phases/`. A test compares the list with the directory.
///
/// They are listed one by one because the binary must not depend on what else is in the directory of the machine that builds it:
/// the crate `include_dir` embeds every file there, `__pycache__` included, and cargo does not rebuild when one is added.
pub const INSTALLED: [(&str, &[u8]); 44] = [
    installed!("release/gunicorn_configuration.py"),
    installed!("session_bridge/migrate_sessions/__init__.py"),
    installed!("session_bridge/migrate_sessions/breaker.py"),
    installed!("session_bridge/migrate_sessions/census/__init__.py"),
    installed!("session_bridge/migrate_sessions/census/__main__.py"),
    installed!("session_bridge/migrate_sessions/census/contents.py"),
    installed!("session_bridge/migrate_sessions/census/directories.py"),
    installed!("session_bridge/migrate_sessions/census/report.py"),
    installed!("session_bridge/migrate_sessions/census/restricted.py"),
    installed!("session_bridge/migrate_sessions/codec/__init__.py"),
    installed!("session_bridge/migrate_sessions/codec/arrays.py"),
    installed!("session_bridge/migrate_sessions/codec/columns.py"),
    installed!("session_bridge/migrate_sessions/codec/frames.py"),
    installed!("session_bridge/migrate_sessions/codec/indexes.py"),
    installed!("session_bridge/migrate_sessions/codec/plain.py"),
    installed!("session_bridge/migrate_sessions/codec/pytz_zones.py"),
    installed!("session_bridge/migrate_sessions/codec/scalars.py"),
    installed!("session_bridge/migrate_sessions/codec/wire.py"),
    installed!("session_bridge/migrate_sessions/codec/zones.py"),
    installed!("session_bridge/migrate_sessions/envelope.py"),
    installed!("session_bridge/migrate_sessions/errors.py"),
    installed!("session_bridge/migrate_sessions/find.py"),
    installed!("session_bridge/migrate_sessions/foreign.py"),
    installed!("session_bridge/migrate_sessions/gunicorn_hook.py"),
    installed!("session_bridge/migrate_sessions/install.py"),
    installed!("session_bridge/migrate_sessions/interface.py"),
    installed!("session_bridge/migrate_sessions/metrics.py"),
    installed!("session_bridge/migrate_sessions/old_store.py"),
    installed!("session_bridge/migrate_sessions/redis_store.py"),
    installed!("session_bridge/migrate_sessions/settings.py"),
    installed!("session_bridge/migrate_sessions/stamps.py"),
    installed!("session_bridge/migrate_sessions/store.py"),
    installed!("session_bridge/migrate_sessions/trace.py"),
    installed!("session_bridge/migrate_sessions/trial/__init__.py"),
    installed!("session_bridge/migrate_sessions/trial/effective.py"),
    installed!("session_bridge/migrate_sessions/trial/endpoints.py"),
    installed!("session_bridge/migrate_sessions/trial/facts.py"),
    installed!("session_bridge/migrate_sessions/trial/reads.py"),
    installed!("session_bridge/migrate_sessions/trial/table_facts.py"),
    installed!("session_bridge/migrate_sessions/trial/tables.py"),
    installed!("session_bridge/migrate_sessions/trial/zoo.py"),
    installed!("session_bridge/migrate_sessions/trusted_file.py"),
    installed!("session_bridge/migrate_sessions/versions.py"),
    installed!("session_bridge/migrate_wsgi.py"),
];

/// What `migrate init` writes.
pub const STARTER: &str = include_str!("starter.yaml");

/// The commented first rollout.yaml that `migrate init` writes.
pub fn starter() -> &'static str {
    STARTER
}
