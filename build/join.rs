//! Joins a program of `host_programs` with the modules that it imports into one text, which runs with `python3 -c`.
//!
//! All modules of a program share one namespace there. So a module imports names of the others under the names they have
//! (`from host_programs.module import name`), has only imports, definitions and assignments at its top level, and no two
//! modules of a program define the same name. A module that ends with `if __name__ == "__main__"` is a program; no other
//! module may import it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::python::{Kind, Statement, statements};

/// The package's name, and its directory.
pub const PACKAGE: &str = "host_programs";

/// Texts by the module's name: `host_programs.files.look`.
pub type Sources = BTreeMap<String, String>;

/// Reads the modules of the package in a directory.
///
/// # Errors
/// When a file cannot be read.
pub fn sources(package: &Path) -> Result<Sources, String> {
    let mut found = Sources::new();
    let mut waiting = vec![(PACKAGE.to_owned(), package.to_owned())];
    while let Some((name, path)) = waiting.pop() {
        let failed = |error| format!("{}: {error}", path.display());
        if path.is_dir() {
            for entry in fs::read_dir(&path).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let is_module = path.extension().is_some_and(|extension| extension == "py") && stem != "__init__";
                if is_module || path.is_dir() {
                    waiting.push((format!("{name}.{stem}"), path));
                }
            }
        } else {
            found.insert(name, fs::read_to_string(&path).map_err(failed)?);
        }
    }
    Ok(found)
}

/// Joins every program of the package. The result is by the program's path below the package: `files/look`.
///
/// # Errors
/// When a module does not keep the rules: its path, its line, and what to change.
pub fn programs(sources: &Sources) -> Result<BTreeMap<String, String>, String> {
    let package = Package::read(sources)?;
    let mut joined = BTreeMap::new();
    let mut used = BTreeSet::new();
    for name in package.modules.keys().filter(|name| package.is_program(name)) {
        let order = package.in_order(name)?;
        package.check_names(name, &order)?;
        joined.insert(path_below(name), package.text(&order));
        used.extend(order);
    }
    match package.modules.keys().find(|name| !used.contains(**name)) {
        Some(name) => Err(format!("{}: no program imports this module: remove it", path(name))),
        None => Ok(joined),
    }
}

/// `files/look` for `host_programs.files.look`.
fn path_below(module: &str) -> String {
    module.trim_start_matches(PACKAGE).trim_start_matches('.').replace('.', "/")
}

fn path(module: &str) -> String {
    format!("{}.py", module.replace('.', "/"))
}

fn is_internal(module: &str) -> bool {
    module == PACKAGE || module.starts_with(&format!("{PACKAGE}.")) || module.starts_with('.')
}

/// The modules, taken apart.
struct Package<'a> {
    modules: BTreeMap<&'a str, Vec<Statement>>,
}

impl<'a> Package<'a> {
    fn read(sources: &'a Sources) -> Result<Self, String> {
        let mut modules = BTreeMap::new();
        for (name, text) in sources {
            let found = statements(text).map_err(|what| format!("{}: {what}", path(name)))?;
            modules.insert(name.as_str(), found);
        }
        let package = Self { modules };
        for (name, module) in &package.modules {
            for statement in module {
                package.check(statement).map_err(|what| format!("{}: line {}: {what}", path(name), statement.line))?;
            }
        }
        Ok(package)
    }

    fn is_program(&self, module: &str) -> bool {
        self.modules[module].iter().any(|statement| statement.kind == Kind::Main)
    }

    /// Whether a statement keeps the rules that need no other statement of its module.
    fn check(&self, statement: &Statement) -> Result<(), String> {
        match &statement.kind {
            Kind::Imports(modules) => match modules.iter().find(|module| is_internal(module)) {
                Some(module) => Err(format!("`import {module}`: write `from {module} import NAME`")),
                None => Ok(()),
            },
            Kind::ImportsFrom(module, _) if module == "__future__" => {
                Err("`from __future__`: Python 3.6 does not have all of it, and a joined program may not have it"
                    .into())
            }
            Kind::ImportsFrom(module, names) if is_internal(module) => self.check_import(module, names),
            Kind::ImportsFrom(..) | Kind::Nothing => Ok(()),
            Kind::Defines(_) | Kind::Main => {
                let inner = ["from", "import"].map(|word| format!("{word} {PACKAGE}"));
                let mut lines = statement.text.lines().map(str::trim_start);
                match lines.find(|line| inner.iter().any(|beginning| line.starts_with(beginning))) {
                    Some(line) => Err(format!("`{line}`: import it at the top of the module")),
                    None => Ok(()),
                }
            }
        }
    }

    fn check_import(&self, module: &str, names: &[String]) -> Result<(), String> {
        let Some(statements) = self.modules.get(module) else {
            return Err(format!("imports from {module}, and there is no module {}", path(module)));
        };
        if self.is_program(module) {
            return Err(format!(
                "imports from {module}, which is a program: move what both need to a module of its own"
            ));
        }
        let defines = |name: &&String| {
            statements.iter().any(|one| matches!(&one.kind, Kind::Defines(defined) if defined.contains(name)))
        };
        match names.iter().find(|name| !defines(name)) {
            Some(name) => Err(format!("imports `{name}` from {module}, which does not define it")),
            None => Ok(()),
        }
    }

    /// The modules of the package that a module imports from, in the order of its imports.
    fn imports(&self, module: &str) -> impl Iterator<Item = &str> {
        self.modules[module].iter().filter_map(|statement| match &statement.kind {
            Kind::ImportsFrom(from, _) if is_internal(from) => Some(from.as_str()),
            _ => None,
        })
    }

    /// A module and everything it imports, each behind what it imports itself.
    fn in_order<'b>(&'b self, module: &'b str) -> Result<Vec<&'b str>, String> {
        let (mut order, mut open) = (Vec::new(), Vec::new());
        self.visit(module, &mut order, &mut open)?;
        Ok(order)
    }

    fn visit<'b>(&'b self, module: &'b str, order: &mut Vec<&'b str>, open: &mut Vec<&'b str>) -> Result<(), String> {
        if order.contains(&module) {
            return Ok(());
        }
        if let Some(begin) = open.iter().position(|one| *one == module) {
            let circle = [&open[begin..], &[module]].concat().join(" imports ");
            return Err(format!("{}: a circle of imports: {circle}", path(module)));
        }
        open.push(module);
        for imported in self.imports(module) {
            self.visit(imported, order, open)?;
        }
        open.pop();
        order.push(module);
        Ok(())
    }

    /// Fails when a name means two things in a program.
    fn check_names(&self, program: &str, order: &[&str]) -> Result<(), String> {
        let mut known: BTreeMap<String, (String, &str)> = BTreeMap::new();
        for &module in order {
            for (name, meaning) in self.modules[module].iter().flat_map(|statement| meanings(module, statement)) {
                match known.get(&name) {
                    Some((other, first)) if *other != meaning => {
                        return Err(format!(
                            "{}: `{name}` has two meanings in the program {program}: {first} has it, too; rename one",
                            path(module)
                        ));
                    }
                    _ => known.insert(name, (meaning, module)),
                };
            }
        }
        Ok(())
    }

    fn text(&self, order: &[&str]) -> String {
        let mut text = String::new();
        for &module in order {
            text.extend(["# ", &path(module), "\n"]);
            for statement in &self.modules[module] {
                match &statement.kind {
                    Kind::ImportsFrom(from, _) if is_internal(from) => text.push_str(&statement.text[statement.end..]),
                    _ => text.push_str(&statement.text),
                }
            }
        }
        text
    }
}

/// The names that a statement gives to its module, each with what it means: who defines it, or what is imported.
fn meanings(module: &str, statement: &Statement) -> Vec<(String, String)> {
    match &statement.kind {
        Kind::Defines(names) => names.iter().map(|name| (name.clone(), format!("{module}.{name}"))).collect(),
        Kind::Imports(modules) => modules
            .iter()
            .map(|imported| imported.split('.').next().unwrap_or_default().to_owned())
            .map(|name| (name.clone(), format!("import {name}")))
            .collect(),
        Kind::ImportsFrom(from, names) if !is_internal(from) => {
            names.iter().map(|name| (name.clone(), format!("from {from} import {name}"))).collect()
        }
        Kind::ImportsFrom(..) | Kind::Nothing | Kind::Main => Vec::new(),
    }
}
