//! `migrate check --junit`: what Jenkins accepts, and text from hosts and AWS inside it.

use migrate::report::{JunitCase, junit};
use roxmltree::{Document, Node};

use crate::recorded::recorded_today;
use crate::site::Site;

/// An element of a JUnit file, and what it may hold.
struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    has_text: bool,
}

const REASON: &[&str] = &["type", "message"];

/// The elements and attributes that Jenkins' xUnit plugin accepts, by `junit-10.xsd` of jenkinsci/xunit-plugin (commit
/// 031e285). Reruns, and `time` of suites, are left out: `migrate` writes none, and the schema restricts what is in them.
const SCHEMA: [Element; 10] = [
    Element {
        name: "testsuites",
        required: &[],
        optional: &["name", "tests", "failures", "errors"],
        children: &["testsuite"],
        has_text: false,
    },
    Element {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &["group", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        has_text: false,
    },
    Element { name: "properties", required: &[], optional: &[], children: &["property"], has_text: false },
    Element { name: "property", required: &["name", "value"], optional: &[], children: &[], has_text: false },
    Element {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        has_text: false,
    },
    Element { name: "failure", required: &[], optional: REASON, children: &[], has_text: true },
    Element { name: "error", required: &[], optional: REASON, children: &[], has_text: true },
    Element { name: "skipped", required: &[], optional: REASON, children: &[], has_text: true },
    Element { name: "system-out", required: &[], optional: &[], children: &[], has_text: true },
    Element { name: "system-err", required: &[], optional: &[], children: &[], has_text: true },
];

/// Everything in an element and below it that the schema does not allow.
fn mistakes_in(node: Node<'_, '_>) -> Vec<String> {
    let name = node.tag_name().name();
    let Some(element) = SCHEMA.iter().find(|element| element.name == name) else {
        return vec![format!("<{name}> is not an element")];
    };
    let mut found = Vec::new();
    for attribute in node.attributes().map(|attribute| attribute.name()) {
        if !element.required.contains(&attribute) && !element.optional.contains(&attribute) {
            found.push(format!("`{attribute}` is not an attribute of <{name}>"));
        }
    }
    for required in element.required.iter().filter(|required| !node.has_attribute(**required)) {
        found.push(format!("<{name}> needs `{required}`"));
    }
    for child in node.children() {
        let inner = child.tag_name().name();
        if child.is_element() && !element.children.contains(&inner) {
            found.push(format!("<{inner}> is not allowed in <{name}>"));
        }
        if child.is_text() && !element.has_text && !child.text().unwrap_or_default().trim().is_empty() {
            found.push(format!("text is not allowed in <{name}>"));
        }
        if child.is_element() {
            found.extend(mistakes_in(child));
        }
    }
    found
}

/// Everything in a file that is not XML 1.0 or not in the schema.
fn mistakes(xml: &str) -> Vec<String> {
    match Document::parse(xml) {
        Ok(document) if document.root_element().has_tag_name("testsuites") => mistakes_in(document.root_element()),
        Ok(_) => vec!["the root is not <testsuites>".to_owned()],
        Err(error) => vec![error.to_string()],
    }
}

fn case(name: &str, failure: Option<&str>, skipped: Option<&str>) -> JunitCase {
    JunitCase { name: name.into(), failure: failure.map(str::to_owned), skipped: skipped.map(str::to_owned) }
}

#[test]
fn jenkins_accepts_the_report_of_wrong_files() {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    site.migrate(&["check", "--junit", "out.xml"]).expect(3);
    assert_eq!(mistakes(&site.read("out.xml")), [""; 0]);
}

#[test]
fn jenkins_accepts_the_report_of_every_recorded_run() {
    for run in ["full", "full_rolled_back", "aborted", "stuck"] {
        let site = recorded_today(run);
        site.migrate(&["check", "--for", "done", "--junit", "out.xml"]);
        assert_eq!(mistakes(&site.read("out.xml")), [""; 0], "{run}");
    }
}

#[test]
fn jenkins_accepts_a_report_without_cases() {
    assert_eq!(mistakes(&junit("check", &[]).unwrap()), [""; 0]);
}

#[test]
fn the_counts_are_of_the_cases() {
    let cases = [case("a", Some("no"), None), case("b", None, Some("not yet")), case("c", None, None)];
    let xml = junit("check", &cases).unwrap();
    let document = Document::parse(&xml).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    let counts = ["tests", "failures", "errors", "skipped"].map(|count| suite.attribute(count).unwrap());
    assert_eq!(counts, ["3", "1", "0", "1"], "{xml}");
    let names: Vec<_> = suite.children().filter_map(|case| case.attribute("name")).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

/// The message, and the text below it, of the only case.
fn read_back(xml: &str) -> (String, Option<String>) {
    let document = Document::parse(xml).unwrap_or_else(|error| panic!("{error}: {xml:?}"));
    let reason = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    (reason.attribute("message").unwrap().to_owned(), reason.text().map(str::to_owned))
}

#[test]
fn hostile_text_stays_text() {
    for (written, read) in [
        ("\"></failure></testcase><testcase name='x'/>", "\"></failure></testcase><testcase name='x'/>"),
        ("a ]]> b <![CDATA[ c", "a ]]> b <![CDATA[ c"),
        ("<!-- & &amp; &#0; -->", "<!-- & &amp; &#0; -->"),
        ("skipped=\"1\" &quot;", "skipped=\"1\" &quot;"),
        // What XML 1.0 cannot hold is shown as one replacement character, and nothing beside it is lost.
        ("\u{1b}[31mred\u{1b}[0m", "\u{fffd}[31mred\u{fffd}[0m"),
        ("\u{1b}]0;title without an end", "\u{fffd}]0;title without an end"),
        ("\u{9b}31mred \u{7f}", "\u{fffd}31mred \u{fffd}"),
        ("nul \0 bell \u{7} vertical \u{b}", "nul \u{fffd} bell \u{fffd} vertical \u{fffd}"),
        ("noncharacters \u{fffe}\u{ffff}", "noncharacters \u{fffd}\u{fffd}"),
        ("tab\tand\rreturn", "tab and\u{fffd}return"),
        ("größer 🦀", "größer 🦀"),
    ] {
        let xml = junit(written, &[case(written, Some(written), None), case(written, None, Some(written))]).unwrap();
        assert_eq!(mistakes(&xml), [""; 0], "{written:?}");
        assert_eq!(read_back(&xml), (read.to_owned(), None), "{written:?}");
        let document = Document::parse(&xml).unwrap();
        let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
        assert_eq!(cases.iter().map(|case| case.attribute("name").unwrap()).collect::<Vec<_>>(), [read; 2]);
    }
}

#[test]
fn every_line_of_a_reason_is_kept() {
    // A reader of XML makes spaces of the line breaks in an attribute.
    let xml = junit("check", &[case("a", Some("wrong ]]>\n  --> file:1\n\tmore\n"), None)]).unwrap();
    assert_eq!(read_back(&xml), ("wrong ]]>".to_owned(), Some("wrong ]]>\n  --> file:1\n more\n".to_owned())));
}

#[test]
fn every_rule_of_the_schema_rejects_something() {
    let suite = |inside: &str| {
        format!("<testsuites><testsuite name='' tests='' failures='' errors=''>{inside}</testsuite></testsuites>")
    };
    assert_eq!(mistakes(&suite("<testcase name=''><failure message=''>text</failure></testcase>")), [""; 0]);
    for wrong in [
        "<testsuites skipped='0'/>".to_owned(),
        "<testsuites><testsuite name='' tests='' failures=''/></testsuites>".to_owned(),
        "<testsuite name='' tests='' failures='' errors=''/>".to_owned(),
        suite("<testcase/>"),
        suite("<testcase name='' timestamp=''/>"),
        suite("<testcase name=''>text</testcase>"),
        suite("<testcase name=''><testcase name=''/></testcase>"),
        suite("<testcase name=''><failure uuid=''/></testcase>"),
        suite("<testcase name='\u{1}'/>"),
        suite("<case/>"),
        suite("").replace("</testsuites>", ""),
    ] {
        assert_ne!(mistakes(&wrong), [""; 0], "{wrong}");
    }
}
