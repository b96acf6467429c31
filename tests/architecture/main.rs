//! Who may use whom, who may name what, and how large a file may be: read from the sources themselves.

mod code;
mod edges;
mod rules;
mod sample;
