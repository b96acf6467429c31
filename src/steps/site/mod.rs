//! Where the files, processes and endpoints of the copy and of releases are, and how to reach them.

pub(super) mod bridge_environment;
pub(super) mod bridge_files;
pub(super) mod copy_access;
pub(super) mod copy_gunicorn;
pub(super) mod copy_layout;
pub(super) mod journey_walk;
pub(super) mod original_session;
pub(super) mod release_facts;
pub(super) mod release_layout;
pub(super) mod session_on_store;
pub(super) mod settings_in_force;
pub(super) mod staying_users;
pub(super) mod store_access;
pub(super) mod store_files;
pub(super) mod store_state;
