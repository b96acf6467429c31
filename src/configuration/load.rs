//! From files to a plan.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::phases::{
    InstalledFiles, PhaseFiles, StepDocument, check_facts, check_guards, check_targets, expand, read_phase,
};
use super::rollout::{RolloutDocument, read_rollout};
use super::source::{Source, read_bytes};
use super::tree::Node;
use crate::core::rollout::Rollout;
use crate::core::{Catalog, Digest, Phase, Plan};

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// The site.
    pub rollout: PathBuf,
    /// The procedure; the built-in one when absent.
    pub phases: Option<PathBuf>,
}

/// The content of the files, already read.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What the operator calls the rollout.
    pub rollout_name: String,
    /// The rollout's bytes.
    pub rollout: Vec<u8>,
    /// Where relative paths in it start; without one, whether they exist is not looked at.
    pub base_directory: Option<PathBuf>,
    /// The phases.
    pub phases: PhaseFiles,
}

/// What came of the files.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What `migrate` will do.
    pub plan: Plan,
    /// The rollout's path, as given.
    pub rollout_path: PathBuf,
    /// The directory that relative paths in the rollout start from, absolute.
    pub base_directory: PathBuf,
    /// What is probably not meant, but usable.
    pub warnings: Vec<Diagnostic>,
    /// The files that phases install on targets, by path below `phases/`; their digests are in the plan.
    pub installed: InstalledFiles,
}

/// Reads the rollout and the phases, checks them and assembles the plan.
///
/// # Errors
/// Everything that is wrong with the files, when there is at least one error; warnings are among it.
pub fn load(options: &LoadOptions, catalog: &dyn Catalog) -> Result<Loaded, Diagnostics> {
    let mut found = Vec::new();
    let rollout = read_bytes(&options.rollout).map_err(|mistake| found.push(*mistake)).ok();
    let phases = match &options.phases {
        None => PhaseFiles::embedded(),
        Some(directory) => {
            let (files, mistakes) = PhaseFiles::read(directory);
            found.extend(mistakes);
            files
        }
    };
    let base_directory = base_directory(&options.rollout);
    let sources = rollout.map(|rollout| Sources {
        rollout_name: options.rollout.display().to_string(),
        rollout,
        base_directory: Some(base_directory.clone()),
        phases,
    });
    let Some(sources) = sources else { return Err(Diagnostics::new(found)) };
    let (plan, warnings) = assemble(&sources, catalog, found)?;
    let installed = sources.phases.installed;
    Ok(Loaded { plan, rollout_path: options.rollout.clone(), base_directory, warnings, installed })
}

/// As [`load`], from content that is already in memory. Touches no file but those the rollout names.
///
/// # Errors
/// As [`load`].
pub fn load_sources(sources: &Sources, catalog: &dyn Catalog) -> Result<(Plan, Vec<Diagnostic>), Diagnostics> {
    assemble(sources, catalog, Vec::new())
}

fn assemble(
    sources: &Sources,
    catalog: &dyn Catalog,
    found: Vec<Diagnostic>,
) -> Result<(Plan, Vec<Diagnostic>), Diagnostics> {
    let (document, mut all) = match Source::new(sources.rollout_name.as_str(), sources.rollout.clone()) {
        Ok(source) => read_rollout(&source, sources.base_directory.as_deref()),
        Err(mistake) => (RolloutDocument::default(), vec![*mistake]),
    };
    all.extend(found);
    let procedure = read_procedure(&sources.phases, catalog, document.right.as_ref(), &mut all);
    let diagnostics = Diagnostics::new(all);
    let rollout = document.rollout;
    let (Some(rollout), false) = (rollout, diagnostics.has_errors()) else { return Err(diagnostics) };
    match make_plan(rollout, procedure, &sources.phases.installed) {
        Ok(plan) => Ok((plan, diagnostics.into_vec())),
        Err(error) => {
            let code = super::diagnostic::Code::GrammarWrongForm;
            let message = format!("the files cannot be written as one plan: {error}");
            Err(Diagnostics::new(vec![Diagnostic::whole_file(code, &sources.rollout_name, message)]))
        }
    }
}

/// The titles, and the steps of all phases.
#[derive(Debug, Default)]
struct Procedure {
    titles: BTreeMap<Phase, String>,
    steps: Vec<StepDocument>,
}

fn read_procedure(
    files: &PhaseFiles,
    catalog: &dyn Catalog,
    rollout: Option<&Node>,
    all: &mut Vec<Diagnostic>,
) -> Procedure {
    let entries = catalog.entries();
    let mut procedure = Procedure::default();
    // One for each file, in order; nothing for a file that is missing or is no text.
    let mut texts: Vec<Option<(Source, Vec<Option<StepDocument>>)>> = Vec::new();
    for phase in Phase::ALL {
        let before = texts.len();
        for file in files.phases.iter().filter(|file| file.phase == phase) {
            let source = Source::new(file.name.as_str(), file.bytes.clone()).map_err(|mistake| all.push(*mistake)).ok();
            texts.push(source.map(|source| {
                let (document, mistakes) = read_phase(&source, phase, &entries);
                all.extend(mistakes);
                procedure.titles.insert(phase, document.title);
                (source, document.steps)
            }));
        }
        if texts.len() == before {
            texts.push(None);
        }
    }
    let steps: Vec<Option<(&Source, &StepDocument)>> = texts
        .iter()
        .flat_map(|text| match text {
            Some((source, steps)) => steps.iter().map(|step| Some((source, step.as_ref()?))).collect(),
            None => vec![None],
        })
        .collect();
    all.extend(check_facts(&steps, &entries));
    all.extend(check_guards(&steps));
    if let Some(rollout) = rollout {
        all.extend(check_targets(&steps, rollout));
    }
    procedure.steps = texts.into_iter().flatten().flat_map(|(_, steps)| steps).flatten().collect();
    procedure
}

fn make_plan(rollout: Rollout, procedure: Procedure, installed: &InstalledFiles) -> Result<Plan, serde_json::Error> {
    let files = installed.iter().map(|(path, bytes)| (path.clone(), Digest::of(bytes))).collect();
    let steps = expand(&procedure.steps, &rollout);
    Plan::new(rollout, procedure.titles, steps, files)
}

/// The directory of the rollout. The file itself may be a link; what stands beside it is meant as written.
fn base_directory(rollout: &Path) -> PathBuf {
    let parent = rollout.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::path::absolute(parent).unwrap_or_else(|_| parent.to_owned())
}
