//! JUnit XML, as Jenkins and other CI systems read it. `tests/cli/junit.rs` has the schema.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// One test case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JunitCase {
    /// Its name.
    pub name: String,
    /// Why it failed, when it did.
    pub failure: Option<String>,
    /// Why it was not judged, when it was not.
    pub skipped: Option<String>,
}

/// A test suite as XML.
///
/// # Errors
/// When the XML cannot be written.
pub fn junit(suite: &str, cases: &[JunitCase]) -> Result<String, SerializeError> {
    let mut test_suite = TestSuite::new(attribute(suite));
    test_suite.add_test_cases(cases.iter().map(|case| test_case(suite, case)));
    let mut report = Report::new(attribute(suite));
    report.add_test_suite(test_suite);
    // Jenkins rejects a file whose root has `skipped`, and quick-junit always writes it. The first one is the root's:
    // only a name is before it, and a quote in a name is written as `&quot;`.
    Ok(report.to_string()?.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1))
}

fn test_case(suite: &str, case: &JunitCase) -> TestCase {
    let (mut status, reason) = match (&case.failure, &case.skipped) {
        (Some(reason), _) => (TestCaseStatus::non_success(NonSuccessKind::Failure), Some(reason)),
        (None, Some(reason)) => (TestCaseStatus::skipped(), Some(reason)),
        (None, None) => (TestCaseStatus::success(), None),
    };
    if let Some(reason) = reason {
        let mut lines = reason.lines();
        status.set_message(attribute(lines.next().unwrap_or_default()));
        // An attribute holds one line: a reader makes spaces of its line breaks.
        if lines.next().is_some() {
            status.set_description(xml_text(reason));
        }
    }
    let mut test_case = TestCase::new(attribute(&case.name), status);
    test_case.set_classname(attribute(suite));
    test_case
}

/// Text on one line.
fn attribute(text: &str) -> String {
    xml_text(text).replace('\n', " ")
}

/// Text without the characters that XML 1.0 cannot hold, each replaced by U+FFFD. Done here because quick-junit drops
/// everything after the start of an escape sequence that does not end.
fn xml_text(text: &str) -> String {
    let visible = |character| match character {
        '\n' => '\n',
        '\t' => ' ',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(visible).collect()
}
