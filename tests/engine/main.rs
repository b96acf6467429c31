//! The engine in the simulator: cut at every line of the journal, before and after every write, and stolen from.

mod at_lines;
mod at_writes;
mod faults;
mod stage;
mod stolen;
mod whole;
