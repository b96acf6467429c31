//! The programs that run on hosts: how they are joined, what they may contain, and how large they may be.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::join::{PACKAGE, Sources, programs, sources};

/// The programs that only look. Preflight runs these, and it must not change a host.
const READERS: [&str; 8] =
    ["bridge_log", "detached/facts", "files/look", "files/smoke", "module_import", "monitor", "reach", "release/look"];
/// The programs that change a host.
const WRITERS: [&str; 8] = [
    "detached/start",
    "detached/stop",
    "files/copy",
    "files/install",
    "files/remove",
    "release/build",
    "release/room",
    "release/switch",
];

/// What changes files, processes or services. `os.killpg` is not among them: `files/smoke` ends the interpreter that it
/// has started itself.
const CHANGES: [&str; 24] = [
    "os.unlink",
    "os.remove",
    "os.rename",
    "os.replace",
    "os.rmdir",
    "os.mkdir",
    "os.makedirs",
    "os.mknod",
    "os.symlink",
    "os.link(",
    "os.chmod",
    "os.fchmod",
    "os.chown",
    "os.utime",
    "os.truncate",
    "os.kill(",
    "O_WRONLY",
    "O_RDWR",
    "O_CREAT",
    "tempfile",
    "shutil",
    "ctypes",
    "sudo",
    "flock",
];

/// What a program may have, in bytes, as it is quoted for a shell. It is one argument of `python3 -c`, which Linux limits
/// to 128 KiB (`MAX_ARG_STRLEN` of execve(2)); so is the whole command line that sshd gives to the account's shell. The
/// other half is for the shell script around it, its arguments, and their quotes.
const MAX_QUOTED_BYTES: usize = 64 << 10;

/// The programs of this build, by name.
fn joined() -> BTreeMap<String, String> {
    let root = Path::new(env!("OUT_DIR")).join(PACKAGE);
    let mut found = BTreeMap::new();
    let read = |name: &&'static str| {
        let path: PathBuf = root.join(format!("{name}.py"));
        ((*name).to_owned(), fs::read_to_string(path).expect("a joined program"))
    };
    found.extend(READERS.iter().chain(&WRITERS).map(read));
    found
}

/// Runs a Python program on a text.
fn python(program: &str, text: &str) -> (bool, String) {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-I", "-B", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3: install it with `apt install python3`");
    child.stdin.take().expect("an input").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ended");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn every_program_is_in_a_table_and_joined() {
    let package = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(PACKAGE)).expect("the package");
    let found = programs(&package).expect("programs");
    assert_eq!(found, joined(), "READERS and WRITERS name every program, and cargo has built them");
}

#[test]
fn a_program_that_only_looks_contains_nothing_that_changes_a_host() {
    let all = joined();
    let changes = |name: &str| CHANGES.iter().filter(|word| all[name].contains(**word)).collect::<Vec<_>>();
    for name in READERS {
        assert!(changes(name).is_empty(), "{name} contains {:?}", changes(name));
    }
    for name in WRITERS {
        assert!(!changes(name).is_empty(), "{name} changes nothing: it belongs to READERS");
    }
}

#[test]
fn every_program_compiles_with_python_3_7_and_defines_what_it_uses() {
    // Every name in its code is a builtin or defined in it: nothing depends on a module that was left out. Then all of it
    // runs but the main block, with the interpreter of this machine.
    let check = r#"
import ast, builtins, symtable, sys
text = sys.stdin.read()
ast.parse(text, feature_version=(3, 7))
defined = {"__name__"} | set(dir(builtins))
table = symtable.symtable(text, "program", "exec")
defined |= {one.get_name() for one in table.get_symbols() if one.is_assigned() or one.is_imported()}
def unknown(scope):
    for one in scope.get_symbols():
        if one.is_global() and one.is_referenced() and one.get_name() not in defined:
            yield one.get_name()
    for child in scope.get_children():
        yield from unknown(child)
missing = sorted(set(unknown(table)))
if missing:
    sys.exit("not defined: %s" % ", ".join(missing))
exec(compile(text, "program", "exec"), {"__name__": "program"})
"#;
    for (name, text) in joined() {
        let (succeeded, message) = python(check, &text);
        assert!(succeeded, "{name}: {message}");
    }
    assert!(!python(check, "def f() -> int:\n    return g()\n").0, "an undefined name was not noticed");
    assert!(!python(check, "if (a := 1):\n    pass\n").0, "the grammar of Python 3.8 was not noticed");
}

#[test]
fn every_program_fits_into_an_argument() {
    for (name, text) in joined() {
        let quoted = text.replace('\'', r"'\''").len();
        assert!(quoted <= MAX_QUOTED_BYTES, "{name}: {quoted} bytes, limit {MAX_QUOTED_BYTES}");
        assert!(!text.contains('\0'), "{name}: an argument ends at a NUL");
    }
}

/// Modules of the package by name, with their text.
type Modules<'a> = &'a [(&'a str, &'a str)];

fn package(modules: Modules) -> Sources {
    modules.iter().map(|(name, text)| (format!("{PACKAGE}.{name}"), (*text).to_owned())).collect()
}

const MAIN: &str = "\n\nif __name__ == \"__main__\":\n    pass\n";

/// Why a package whose program `a` begins with `text` cannot be joined.
fn refused(text: &str, others: Modules) -> String {
    let text = format!("{text}{MAIN}");
    let all: Vec<(&str, &str)> = [("a", text.as_str())].into_iter().chain(others.iter().copied()).collect();
    programs(&package(&all)).expect_err("refused")
}

/// A program and what it imports, as they may be written.
const MODULES: [(&str, &str); 3] = [
    ("deep.low", "\"\"\"Low.\n\ndef not_a_function():\n\"\"\"\n\nimport os\n\nLOW, LOWER = 1, (\n    2,\n)\n"),
    ("middle", "import os\nfrom host_programs.deep.low import LOW\n\n# Why.\nMIDDLE = LOW  # twice\n"),
    (
        "program",
        "from host_programs.middle import (  # both\n    MIDDLE,\n)\nfrom host_programs.deep.low import LOW\n\n\
         @print\ndef f(a=\"(\"):\n    return '''\n'''\n\n\nif __name__ == \"__main__\":\n    f()\n",
    ),
];

#[test]
fn a_program_is_joined_with_what_it_imports_each_module_once_and_in_order() {
    let found = programs(&package(&MODULES)).expect("joined");
    let expected = [
        "# host_programs/deep/low.py\n",
        "\"\"\"Low.\n\ndef not_a_function():\n\"\"\"\n\nimport os\n\nLOW, LOWER = 1, (\n    2,\n)\n",
        "# host_programs/middle.py\nimport os\n\n# Why.\nMIDDLE = LOW  # twice\n",
        "# host_programs/program.py\n\n@print\ndef f(a=\"(\"):\n    return '''\n'''\n\n\n",
        "if __name__ == \"__main__\":\n    f()\n",
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("program".to_owned(), expected.concat())]);
}

#[test]
fn a_module_that_does_not_keep_the_rules_stops_the_build() {
    let circle = [("b", "from host_programs.c import C\n\nB = C\n"), ("c", "from host_programs.b import B\n\nC = B\n")];
    let entry = ("b", "B = 1\n\n\nif __name__ == \"__main__\":\n    pass\n");
    let cases: [(&str, Modules, &str); 14] = [
        (
            "import os\nfrom host_programs.x import X\n",
            &[],
            "a.py: line 2: imports from host_programs.x, and there is no",
        ),
        (
            "from host_programs.b import X\n",
            &[("b", "B = 1\n")],
            "imports `X` from host_programs.b, which does not define it",
        ),
        ("from host_programs.b import B\n", &circle, "host_programs.b imports host_programs.c imports host_programs.b"),
        (
            "from host_programs.b import B\n\n\ndef C():\n    pass\n",
            &[("b", "B = 1\n\nC = 2\n")],
            "`C` has two meanings",
        ),
        ("import stat\nfrom host_programs.b import B\n", &[("b", "B = 1\nstat = 2\n")], "`stat` has two meanings"),
        (
            "from time import time\nfrom host_programs.b import B\n",
            &[("b", "import time\nB = 1\n")],
            "`time` has two meanings",
        ),
        ("from host_programs.b import B\n", &[entry], "which is a program"),
        ("from .b import B\n", &[("b", "B = 1\n")], "imports from .b, and there is no module"),
        ("import host_programs.b\n", &[("b", "B = 1\n")], "write `from host_programs.b import NAME`"),
        ("from host_programs.b import B as C\n", &[("b", "B = 1\n")], "import it by its own name"),
        ("def f():\n    from host_programs.b import B\n", &[("b", "B = 1\n")], "import it at the top of the module"),
        ("from __future__ import annotations\n", &[], "`from __future__`"),
        ("A = 1\n\ntry:\n    import json\nexcept ImportError:\n    pass\n", &[], "a.py: line 3: `try:`: only imports"),
        ("A = 1\n", &[("b", "B = 1\n")], "b.py: no program imports this module"),
    ];
    for (text, others, why) in cases {
        let message = refused(text, others);
        assert!(message.contains(why), "{why}: {message}");
    }
    assert!(refused("A = (\n", &[]).contains("not closed"));
    // The same import in two modules is one meaning.
    let shared =
        package(&[("a", &format!("import os\nfrom host_programs.b import B\n{MAIN}")), ("b", "import os\nB = 1\n")]);
    assert!(programs(&shared).is_ok());
}
