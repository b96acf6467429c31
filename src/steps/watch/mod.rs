//! A process under load: its workers, its memory, and its latency beside another process.

pub(super) mod comparison;
pub(super) mod gunicorn;
pub(super) mod load_course;
pub(super) mod turns;
pub(super) mod under_load;
