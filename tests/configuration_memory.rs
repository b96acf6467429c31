//! The worst files, one after the other, in a process of their own: memory stays small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]
#![cfg(target_os = "linux")]

use migrate::configuration::{LoadOptions, PhaseFiles, Sources, Style, load, load_sources, render_text};
use migrate::steps::BuiltInKinds;

const MEBIBYTE: usize = 1 << 20;

/// The most memory this process ever had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn hostile_files_take_little_memory() {
    let before = peak();
    let fill = |piece: &str| piece.repeat((MEBIBYTE - 1) / piece.len());
    let worst = [
        fill("-\n"),
        fill("- a\n"),
        fill("["),
        fill("{a: "),
        fill("a: &a [*a]\n"),
        fill("k: v\n"),
        fill("\t"),
        fill("# comment\n"),
        fill("x"),
        fill("\"\u{202e}\": 1\n"),
        format!("{{{}}}", fill("a: 1, ")),
        format!("[{}]", "a,".repeat(MEBIBYTE / 2 - 8)),
        format!("name: \"{}\"\n", fill("\\u0041").trim_end_matches('\\')),
        format!("- &a {}\n", fill("lol ")),
        (0..9_000).map(|number| format!("key{number}: {{a: b, c: d}}\n")).collect::<Vec<_>>().concat(),
    ];
    for text in worst {
        let sources = Sources {
            rollout_name: "rollout.yaml".into(),
            rollout: text.into(),
            base_directory: None,
            phases: PhaseFiles::embedded(),
        };
        let found = load_sources(&sources, &BuiltInKinds).expect_err("refused");
        assert!(render_text(found.iter(), Style::Plain).len() < MEBIBYTE);
    }
    load(&LoadOptions { rollout: "/dev/zero".into(), phases: None }, &BuiltInKinds).expect_err("refused");
    let grown = peak() - before;
    assert!(grown < 64 * 1024, "{grown} KiB");
}
