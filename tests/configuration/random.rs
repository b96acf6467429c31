//! No input panics, and every place that is named exists.

use migrate::configuration::{Diagnostic, Style, render_text, starter};
use proptest::prelude::*;

use crate::support::{found, load_phase, load_rollout, render_github, text_of};

/// Renders everything and checks that every place is a place of the text.
fn well_formed(text: &[u8], found: &[Diagnostic]) {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.split('\n').collect();
    for item in found.iter().filter(|item| !item.snippet.is_empty()) {
        let line = lines.get(item.line as usize - 1).expect("the line exists");
        if !item.snippet.contains('*') {
            assert_eq!(line.trim_end_matches('\r'), item.snippet);
        }
        assert_eq!(line.trim_end_matches('\r').chars().count(), item.snippet.chars().count());
        assert!(item.column as usize <= line.chars().count() + 1, "{item:?}");
        assert!((item.end.line, item.end.column) >= (item.line, item.column), "{item:?}");
    }
    let _ = render_text(found, Style::Color);
    assert_eq!(render_github(found).lines().count(), found.len());
}

/// Replaces a piece of a text by something else.
fn mutated(base: String) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(String::new()),
        "[ -~\n\t]{0,12}",
        prop::sample::select(vec![
            "\n",
            ": ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            "'",
            "\"",
            "&a ",
            "*a",
            "!!x ",
            "? ",
            "|\n",
            "#",
            "\t",
            "---\n",
            "0",
            "null",
            "~",
            "1e999",
            "é",
            "\u{202e}",
            "${",
            "${a.b}",
            "\r\n",
            "none",
            "-1",
            "99999999999999999999",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0_usize..20, piece), 1..4).prop_map(move |edits| {
        let mut bytes = base.clone().into_bytes();
        for (index, length, piece) in edits {
            let start = index.index(bytes.len().max(1)).min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece.into_bytes());
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let found = found(load_rollout(bytes.clone()));
        prop_assert!(!found.is_empty());
        well_formed(&bytes, &found);
    }

    #[test]
    fn random_text(text in "[a-c:{}\\[\\],&*!|>'\"%#?\n \t0-9~-]{0,200}") {
        let found = found(load_rollout(text.clone()));
        prop_assert!(!found.is_empty());
        well_formed(text.as_bytes(), &found);
    }

    #[test]
    fn a_rollout_with_edits(bytes in mutated(starter().to_owned())) {
        let found = found(load_rollout(bytes.clone()));
        well_formed(&bytes, &found);
    }

    #[test]
    fn a_phase_with_edits(bytes in mutated(text_of("tests/configuration/phases/1-infrastructure.yaml"))) {
        let found: Vec<_> = found(load_phase(1, bytes.clone()))
            .into_iter()
            .filter(|item| item.file == "phases/1-infrastructure.yaml")
            .collect();
        well_formed(&bytes, &found);
    }
}
