//! The files of `phases/`, embedded or from a directory.

use std::collections::BTreeMap;
use std::path::Path;

use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::{embedded, source};
use crate::core::Phase;

/// The files that phases install on targets, by path below `phases/`.
pub type InstalledFiles = BTreeMap<String, Vec<u8>>;

/// How deep below `phases/` files are looked for.
const DEEPEST: usize = 4;
/// More files than any migration installs.
const MOST_FILES: usize = 500;

/// One phase's file.
#[derive(Debug, Clone)]
pub struct PhaseFile {
    /// The number at the start of its name.
    pub phase: Phase,
    /// What the operator calls it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Everything below `phases/` that a plan depends on.
#[derive(Debug, Clone, Default)]
pub struct PhaseFiles {
    /// One file for each phase, in order.
    pub phases: Vec<PhaseFile>,
    /// What the phases install.
    pub installed: InstalledFiles,
}

impl PhaseFiles {
    /// What is built into the binary.
    pub fn embedded() -> Self {
        let phases = Phase::ALL
            .into_iter()
            .zip(embedded::PHASES)
            .map(|(phase, (name, text))| PhaseFile { phase, name: format!("phases/{name}"), bytes: text.into() })
            .collect();
        let installed = embedded::INSTALLED.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        Self { phases, installed }
    }

    /// What is in a directory. Mistakes that leave files to check are returned beside them.
    pub fn read(directory: &Path) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader { files: Self::default(), found: Vec::new(), count: 0 };
        reader.directory(directory, "", DEEPEST);
        let Reader { mut files, mut found, .. } = reader;
        files.phases.sort_by(|a, b| (a.phase, &a.name).cmp(&(b.phase, &b.name)));
        for pair in files.phases.windows(2) {
            if let [first, second] = pair
                && first.phase == second.phase
            {
                let message = format!("{} already has the file {}", first.phase, first.name);
                found.push(
                    Diagnostic::whole_file(Code::PhasesDuplicateFile, &second.name, message)
                        .help("remove one of the two"),
                );
            }
        }
        for phase in Phase::ALL {
            // An unreadable directory is one mistake, not five more.
            let unreadable = found.iter().any(|mistake| mistake.file == directory.display().to_string());
            if !unreadable && !files.phases.iter().any(|file| file.phase == phase) {
                let number = phase.number();
                let message = format!("there is no file for {phase} here");
                let place = directory.display().to_string();
                let missing = Diagnostic::whole_file(Code::PhasesMissingFile, &place, message)
                    .because("a plan is all phases, in order")
                    .help(format!("add {number}-NAME.yaml, or leave --phases out to use the built-in phases"));
                found.push(Diagnostic { file: format!("{place}/{number}-*.yaml"), ..missing });
            }
        }
        (files, found)
    }
}

struct Reader {
    files: PhaseFiles,
    found: Vec<Diagnostic>,
    count: usize,
}

impl Reader {
    fn directory(&mut self, directory: &Path, prefix: &str, depth: usize) {
        let names = match std::fs::read_dir(directory).and_then(|entries| {
            entries
                .take(MOST_FILES + 1)
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<Result<Vec<_>, _>>()
        }) {
            Ok(names) => names,
            Err(error) => {
                let message = format!("the directory cannot be read: {error}");
                let place = directory.display().to_string();
                let mistake = Diagnostic::whole_file(Code::FileUnreadable, &place, message);
                return self.found.push(mistake.help("name a directory with `--phases DIR`"));
            }
        };
        let mut names: Vec<String> = names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names {
            let path = directory.join(&name);
            self.count += 1;
            if self.count > MOST_FILES {
                let message = format!("there are more than {MOST_FILES} files below it");
                let place = directory.display().to_string();
                return self.found.push(Diagnostic::whole_file(Code::FileUnreadable, &place, message));
            }
            // A README is for the reader of phases/, not for a target.
            if name.starts_with('.') || name == "__pycache__" || name.ends_with(".pyc") || name == "README.md" {
                continue;
            }
            if path.is_dir() {
                if depth > 0 {
                    self.directory(&path, &format!("{prefix}{name}/"), depth - 1);
                }
            } else if prefix.is_empty() {
                self.top_level_file(&path, &name);
            } else {
                self.installed_file(&path, format!("{prefix}{name}"));
            }
        }
    }

    fn top_level_file(&mut self, path: &Path, name: &str) {
        if !name.ends_with(".yaml") && !name.ends_with(".yml") {
            return self.installed_file(path, name.to_owned());
        }
        let Some(phase) = phase_of(name) else {
            let mistake =
                Diagnostic::whole_file(Code::PhasesIgnoredFile, &path.display().to_string(), "this file is not read");
            let mistake = mistake
                .because("a phase's file is called N-NAME.yaml, with N from 0 to 4")
                .help("rename it, or move it elsewhere");
            return self.found.push(mistake.warning());
        };
        match source::read_bytes(path) {
            Ok(bytes) => self.files.phases.push(PhaseFile { phase, name: path.display().to_string(), bytes }),
            Err(mistake) => self.found.push(*mistake),
        }
    }

    fn installed_file(&mut self, path: &Path, relative: String) {
        match source::read_bytes(path) {
            Ok(bytes) => {
                self.files.installed.insert(relative, bytes);
            }
            Err(mistake) => self.found.push(*mistake),
        }
    }
}

/// The phase of `N-NAME.yaml`.
fn phase_of(name: &str) -> Option<Phase> {
    let (number, rest) = name.split_once('-')?;
    let title = rest.strip_suffix(".yaml")?;
    let number: u8 = number.parse().ok().filter(|_| number.len() == 1 && !title.is_empty())?;
    Phase::try_from(number).ok()
}
