//! The programs of `host_programs`, each joined with what it imports by `build.rs`.

macro_rules! program {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/host_programs/", $name, ".py"))
    };
}

pub(super) const BRIDGE_LOG: &str = program!("bridge_log");
pub(super) const MODULE_IMPORT: &str = program!("module_import");
pub(super) const MONITOR: &str = program!("monitor");
pub(super) const REACH: &str = program!("reach");

pub(super) const DETACHED_FACTS: &str = program!("detached/facts");
pub(super) const DETACHED_START: &str = program!("detached/start");
pub(super) const DETACHED_STOP: &str = program!("detached/stop");

pub(super) const FILES_COPY: &str = program!("files/copy");
pub(super) const FILES_INSTALL: &str = program!("files/install");
pub(super) const FILES_LOOK: &str = program!("files/look");
pub(super) const FILES_REMOVE: &str = program!("files/remove");
pub(super) const FILES_SMOKE: &str = program!("files/smoke");

pub(super) const RELEASE_BUILD: &str = program!("release/build");
pub(super) const RELEASE_LOOK: &str = program!("release/look");
pub(super) const RELEASE_ROOM: &str = program!("release/room");
pub(super) const RELEASE_SWITCH: &str = program!("release/switch");
