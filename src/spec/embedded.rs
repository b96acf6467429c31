//! What is built into the binary: the phases, the files they install, and the starter.

/// The files of the phases, by name.
pub const PHASES: [(&str, &str); 5] = [
    ("0-preflight.yaml", include_str!("../../phases/0-preflight.yaml")),
    ("1-infrastructure.yaml", include_str!("../../phases/1-infrastructure.yaml")),
    ("2-staging-copy.yaml", include_str!("../../phases/2-staging-copy.yaml")),
    ("3-worker-tuning.yaml", include_str!("../../phases/3-worker-tuning.yaml")),
    ("4-production.yaml", include_str!("../../phases/4-production.yaml")),
];

/// The files that phases install on targets, by path below `phases/`. A test holds this to the directory.
pub const INSTALLED: [(&str, &[u8]); 0] = [];

/// What `migrate init` writes.
pub const STARTER: &str = include_str!("starter.yaml");

/// The commented first rollout.yaml that `migrate init` writes.
pub fn starter() -> &'static str {
    STARTER
}
