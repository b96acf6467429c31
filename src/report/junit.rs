//! JUnit XML, as CI systems read it. (The de-facto schema: <https://github.com/testmoapp/junitxml>)

use std::fmt::Write;

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

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no way to write most control characters.
            control if control.is_control() && control != '\n' && control != '\t' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A test suite as XML.
pub fn junit(suite: &str, cases: &[JunitCase]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let skipped = cases.iter().filter(|case| case.skipped.is_some()).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let name = escape(suite);
    let total = cases.len();
    // Writing to a String cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites><testsuite name=\"{name}\" tests=\"{total}\" failures=\"{failures}\" skipped=\"{skipped}\">"
    );
    for case in cases {
        let _ = write!(xml, "  <testcase classname=\"{name}\" name=\"{}\">", escape(&case.name));
        if let Some(why) = &case.failure {
            let _ = write!(xml, "<failure message=\"{}\"/>", escape(why));
        }
        if let Some(why) = &case.skipped {
            let _ = write!(xml, "<skipped message=\"{}\"/>", escape(why));
        }
        xml.push_str("</testcase>\n");
    }
    xml.push_str("</testsuite></testsuites>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_escapes() {
        let failed = JunitCase { name: "a<b".into(), failure: Some("\"no\" & never".into()), skipped: None };
        let passed = JunitCase { name: "fine".into(), failure: None, skipped: None };
        let xml = junit("check", &[failed, passed]);
        assert!(xml.contains("tests=\"2\" failures=\"1\" skipped=\"0\""), "{xml}");
        assert!(xml.contains("name=\"a&lt;b\"><failure message=\"&quot;no&quot; &amp; never\"/>"), "{xml}");
    }
}
