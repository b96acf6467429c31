//! Phase 1: the store and everything around it, forward and back.

mod forward_and_back;
mod killed;
mod operators;
mod trouble;
