//! The rules of docs/style.md that a program can check, on every message in `src`.

use crate::code::{Source, is_name, messages, product};

/// Words that a message does not contain, and what to write instead.
const REJECTED: [(&str, &str); 8] = [
    ("nobody", "name the actor: \"no user\", \"no process\", \"AWS does not say\""),
    ("somebody", "name the actor: \"another process\", \"another user\", \"an operator\""),
    ("whoever", "name the actor"),
    ("anew", "\"again\""),
    ("of before", "\"previous\", or \"from before the change\""),
    ("goes back", "\"rollback\", \"restores\""),
    ("go back", "\"roll back\""),
    ("better weather", "say what is waited for"),
];

/// After these, "is no" is plain English: "there is no journal", "is no longer".
const BEFORE_NO: &str = "there ";
const AFTER_NO: [&str; 2] = ["longer", "more"];

/// Methods that compare or take apart a string.
const COMPARISONS: [&str; 6] = ["contains(", "starts_with(", "ends_with(", "find(", "strip_prefix(", "split("];
/// Fields that hold a sentence for people.
const SENTENCES: [&str; 5] = [".message.", ".words.", ".summary.", ".reason.", ".hint."];
/// Texts of hosts, of Redis and of libraries are read in an adapter only.
const READERS: [&str; 1] = ["src/adapters/"];

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// "X is no Y".
fn denies(text: &str) -> bool {
    ["is no ", "are no ", "was no ", "were no "].iter().any(|words| {
        text.match_indices(words).any(|(at, _)| {
            let after = &text[at + words.len()..];
            let starts_word = !text[..at].chars().next_back().is_some_and(is_name);
            starts_word && !text[..at].ends_with(BEFORE_NO) && !AFTER_NO.iter().any(|word| after.starts_with(word))
        })
    })
}

/// What is wrong with the messages of a source.
fn badly_worded(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (line, text) in messages(&source.without_tests()) {
        let lower = text.to_lowercase();
        let place = format!("{}:{line}", source.path);
        for (word, instead) in REJECTED.iter().filter(|(word, _)| has_word(&lower, word)) {
            found.push(format!("{place}: `{word}`: write {instead}: {text}"));
        }
        if denies(&lower) {
            found.push(format!("{place}: write \"X is not a Y\": {text}"));
        }
    }
    found
}

/// Where a source decides by a sentence.
fn decides_by_words(source: &Source) -> Vec<String> {
    if READERS.iter().any(|beginning| source.path.starts_with(beginning)) {
        return Vec::new();
    }
    let code = source.without_tests().code;
    let reads = |field: &&&str| COMPARISONS.iter().any(|method| code.contains(&format!("{field}{method}")));
    SENTENCES.iter().filter(reads).map(|field| format!("{}: `{field}` is compared", source.path)).collect()
}

#[test]
fn messages_follow_the_style() {
    let found: Vec<String> = product().iter().flat_map(badly_worded).collect();
    assert!(found.is_empty(), "see docs/style.md:\n{}", found.join("\n"));
}

#[test]
fn no_code_decides_by_a_sentence() {
    let found: Vec<String> = product().iter().flat_map(decides_by_words).collect();
    assert!(found.is_empty(), "decide by a type, such as `Subject`:\n{}", found.join("\n"));
}

#[test]
fn every_rule_rejects_something() {
    let bad = |text: &str| badly_worded(&Source::new("src/x.rs", text)).len();
    for (word, _) in REJECTED {
        assert_eq!(bad(&format!("fn f() {{ say(\"then {word} it is\") }}")), 1, "{word}");
    }
    for text in ["a host that is no target", "it was no worker", "they are no users"] {
        assert_eq!(bad(&format!("const A: &str = \"{text}\";")), 1, "{text}");
    }
    assert_eq!(bad("const A: &str = \"the users of \\\n    before\";"), 1, "a message of two lines");
    for text in ["there is no journal", "it is no longer there", "renewed", "no process"] {
        assert_eq!(bad(&format!("const A: &str = \"{text}\";")), 0, "{text}");
    }
    assert_eq!(bad("// nobody\nfn nobody() {}\n#[cfg(test)]\nmod tests { const A: &str = \"nobody\"; }"), 0);

    let decides = |path: &str, text: &str| !decides_by_words(&Source::new(path, text)).is_empty();
    assert!(decides("src/steps/x.rs", "if reason.words.starts_with(\"the processors\") {}"));
    assert!(decides("src/engine/x.rs", "failure.message.contains(\"in use\")"));
    assert!(!decides(
        "src/engine/x.rs",
        "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { failure.message.contains(\"x\") } }"
    ));
    assert!(!decides("src/adapters/ssh/x.rs", "failure.message.contains(\"No such file\")"));
}
