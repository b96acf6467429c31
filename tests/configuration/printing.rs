//! The same mistakes for a terminal, for programs and for GitHub.

use migrate::configuration::{Diagnostics, Style, render_text};

use crate::support::{found, load_rollout, render_github, text_of};

fn two_mistakes() -> Diagnostics {
    let text = text_of("rollout.yaml").replace("\"7.1\"", "7.1").replace("  unit:", "  unti:");
    Diagnostics::new(found(load_rollout(text)))
}

#[test]
fn as_github_annotations() {
    insta::assert_snapshot!(render_github(two_mistakes().iter()));
}

#[test]
fn as_json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&two_mistakes()).expect("JSON"));
}

#[test]
fn in_color() {
    insta::assert_snapshot!(render_text(two_mistakes().iter(), Style::Color).replace('\u{1b}', "ESC"));
}

#[test]
fn carets_stand_under_wide_characters_and_long_lines_are_cut() {
    let text = format!("version: 1\nname: {{ {}: 1, 名前: \u{202e}\t2, x: 3 }}\n", "a".repeat(200));
    insta::assert_snapshot!(render_text(&found(load_rollout(text))[..1], Style::Plain));
    let text = "version: 1\n{ 名前: 1, x: 3 }\n".replace("version: 1\n", "");
    insta::assert_snapshot!(render_text(&found(load_rollout(text))[..3], Style::Plain));
}

#[test]
fn an_annotation_stays_on_its_line() {
    let text = "\"a%0A::error::b\": 1\nversion: 1\n";
    let printed = render_github(&found(load_rollout(text)));
    assert!(printed.contains("a%250A"));
    assert!(printed.lines().all(|line| line.starts_with("::error file=rollout.yaml,line=")));
}

#[test]
fn a_token_in_the_rollout_is_never_printed() {
    let rollout = text_of("rollout.yaml");
    let good = "{ secrets_manager: chatmrpt/redis-auth-token }";
    assert!(rollout.contains(good));
    for bad in [
        "{ token: sup3r+s3cr3t }",
        "{ secrets_manager: \"sup3r+s3cr3t!\" }",
        "{ environment: sup3r+s3cr3t }",
        "{ environment: [sup3r+s3cr3t] }",
        "sup3r+s3cr3t",
        "{ environment: { name: sup3r+s3cr3t } }",
        "{ token: sup3r+s3cr3t: x }",
        "{ token: \"sup3r+s3cr3t }",
        "!x sup3r+s3cr3t",
        "sup3r+s3cr3t\n    and more",
        "\n    value: sup3r+s3cr3t\n   x: y",
        "\n    value: sup3r+s3cr3t\n    environment: sup3r+s3cr3t: x",
        "\n    {\n      value: \"sup3r+s3cr3t }",
        "\n    {\n      value: sup3r+s3cr3t\n      x: y }",
        "\n    - sup3r+s3cr3t\n    -\tx: y",
        "\n    \"sup3r+s3cr3t",
        "{ environment: sup3r+s3cr3t, secrets_manager: \"sup3r+s3cr3t!\" }",
    ] {
        let found = found(load_rollout(rollout.replace(good, bad)));
        assert!(!found.is_empty(), "{bad}");
        let json = serde_json::to_string(&found).expect("JSON");
        let printed = format!("{}{}{json}", render_text(&found, Style::Plain), render_github(&found));
        assert!(!printed.contains("s3cr3t"), "{bad}:\n{printed}");
    }
}
