//! A directory with a rollout in it, the binary run there, and what it said in a form that no machine changes.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::CommandCargoExt;
use regex_lite::Regex;
use serde_json::Value;

/// The repository.
pub const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

/// A directory of its own for one test.
pub struct Site {
    directory: tempfile::TempDir,
}

impl Site {
    /// Without any file.
    pub fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With the repository's own rollout.yaml, and no run.
    pub fn new() -> Self {
        let site = Self::empty();
        std::fs::copy(Path::new(REPOSITORY).join("rollout.yaml"), site.path().join("rollout.yaml")).unwrap();
        site
    }

    /// As [`Site::new`], but every host refuses the connection at once, and nothing leaves this machine.
    pub fn unreachable() -> Self {
        let site = Self::new();
        site.edit("connect_timeout: 10s", "config: ssh_config\n  connect_timeout: 10s");
        // No server listens on port 1, tcpmux.
        site.write("ssh_config", "Host *\n  HostName 127.0.0.1\n  Port 1\n");
        site
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// Writes a file, and the directories above it.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Copies the repository's phase files into a directory of the site.
    pub fn copy_phases(&self, directory: &str) {
        for file in std::fs::read_dir(Path::new(REPOSITORY).join("phases")).unwrap().map(|entry| entry.unwrap().path())
        {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let name = file.file_name().unwrap().to_str().unwrap();
                self.write(&format!("{directory}/{name}"), &std::fs::read_to_string(&file).unwrap());
            }
        }
    }

    /// Changes rollout.yaml.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("rollout.yaml");
        assert!(text.contains(from), "{from} is not in rollout.yaml");
        self.write("rollout.yaml", &text.replace(from, to));
    }

    /// `migrate` with an environment of its own: no credentials, no terminal, and the site as its home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("migrate").unwrap();
        command
            .current_dir(self.path())
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path())
            .env("USER", "ada")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    /// Runs `migrate` to its end.
    pub fn migrate(&self, arguments: &[&str]) -> Said {
        self.finish(self.command(arguments))
    }

    /// Runs a command of this site to its end.
    pub fn finish(&self, mut command: Command) -> Said {
        let output = command.output().unwrap();
        self.said(&command, output)
    }

    /// What a finished command of this site said.
    pub fn said(&self, command: &Command, output: Output) -> Said {
        let words: Vec<String> =
            command.get_args().map(|word| shell_word(word.to_str().expect("arguments in UTF-8"))).collect();
        let place = self.path().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&place, "SITE");
        Said {
            typed: format!("migrate {}", words.join(" ")).trim_end().replace(&place, "SITE"),
            code: output.status.code().expect("an exit code"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// A word as it would be typed.
fn shell_word(word: &str) -> String {
    let is_plain = !word.is_empty() && word.chars().all(|letter| letter.is_alphanumeric() || "-_./=:".contains(letter));
    if is_plain { word.to_owned() } else { format!("'{word}'") }
}

/// What one run of `migrate` said.
#[derive(Debug)]
pub struct Said {
    pub typed: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.transcript());
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.transcript()))
    }

    /// Everything that was typed and said, without what changes with the version and with the words of the phases.
    pub fn transcript(&self) -> String {
        let text =
            format!("$ {}\nexit {}\n--- stdout\n{}--- stderr\n{}", self.typed, self.code, self.stdout, self.stderr);
        replaced(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), &PLANS)
    }

    /// The transcript of a command that did something just now, without the times and names of this run of the test.
    pub fn transcript_of_now(&self) -> String {
        replaced(&self.transcript(), &OF_NOW)
    }
}

/// A pattern, and what a snapshot has in its place.
type Replacement = (&'static str, &'static str);

/// Digests of plans.
const PLANS: [Replacement; 2] =
    [(r"\b([Pp]lan +|is now )[0-9a-f]{12}\b", "${1}PLAN"), (r#""plan": "[0-9a-f]{64}""#, r#""plan": "PLAN""#)];

/// What differs from run to run.
const OF_NOW: [Replacement; 5] = [
    (r"ada@\S+ pid \d+", "ada@HOST pid PID"),
    (r"\b\d{8}T\d{6}Z-[a-z]{6}\b", "RUN"),
    (r"\b\d+ ticks after boot", "TICKS after boot"),
    (r"\b(tree|from|to) [0-9a-f]{12}\b", "$1 TREE"),
    (r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
];

fn replaced(text: &str, replacements: &[Replacement]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).expect("a pattern").replace_all(&text, *name).into_owned()
    })
}

/// Compares a text with the committed file `snapshots/NAME.snap`.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots"
        }, { insta::assert_snapshot!($name, $text) })
    };
}
pub(crate) use snapshot;
