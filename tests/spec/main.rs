//! The files an operator writes: what is accepted, what is refused, and how it is said.

mod catalog;
mod directories;
mod documents;
mod facts;
mod hostile;
mod printing;
mod random;
mod samples;
mod schemas;
mod support;
