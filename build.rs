//! Joins each program of `host_programs` into one text: OUT_DIR/host_programs/PROGRAM.py.
#![allow(
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "cargo reads instructions from the standard output of a build script"
)]

#[path = "build/join.rs"]
mod join;
#[path = "build/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    for input in ["build.rs", "build", join::PACKAGE] {
        println!("cargo::rerun-if-changed={input}");
    }
    if let Err(message) = write_programs() {
        for line in message.lines() {
            println!("cargo::error={line}");
        }
    }
}

fn write_programs() -> Result<(), String> {
    let package = directory("CARGO_MANIFEST_DIR")?.join(join::PACKAGE);
    let out = directory("OUT_DIR")?.join(join::PACKAGE);
    let programs = join::programs(&join::sources(&package)?)?;
    for (name, text) in &programs {
        write(&out.join(format!("{name}.py")), text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn directory(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("cargo has not set {variable}"))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}
