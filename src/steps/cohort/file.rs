//! The synthetic users as a file. Its readers come later than its writers, so it has a version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::members::{Cohort, Member, Pair, ReadScript, Told};
use crate::core::rollout::JourneyRequest;
use crate::core::{Digest, Failure, Secret};
use crate::ports::BrowserCookie;

/// The version of the format that is written.
const FORMAT_VERSION: u32 = 1;

/// Nothing in here shows itself: it holds cookies.
#[derive(Serialize, Deserialize)]
struct CohortFile {
    version: u32,
    opened: jiff::Timestamp,
    scripts: Vec<ScriptFile>,
    users: Vec<MemberFile>,
}

#[derive(Serialize, Deserialize)]
struct ScriptFile {
    journey: String,
    questions: Vec<JourneyRequest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pairs: Vec<PairFile>,
}

#[derive(Serialize, Deserialize)]
struct PairFile {
    name: String,
    read: JourneyRequest,
}

#[derive(Serialize, Deserialize)]
struct MemberFile {
    number: u32,
    script: usize,
    cookies: Vec<CookieFile>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<String, String>,
    answers: BTreeMap<usize, ToldFile>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    written: BTreeMap<usize, BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize)]
struct CookieFile {
    name: String,
    value: String,
    path: String,
}

#[derive(Serialize, Deserialize)]
struct ToldFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Digest>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, String>,
}

/// What every version has.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

fn exposed(values: &BTreeMap<String, Secret>) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect()
}

fn secret(values: BTreeMap<String, String>) -> BTreeMap<String, Secret> {
    values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

/// As text.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn write(cohort: &Cohort) -> Result<Secret, Failure> {
    let script = |script: &ReadScript| ScriptFile {
        journey: script.journey.clone(),
        questions: script.questions.clone(),
        pairs: script
            .pairs
            .iter()
            .map(|Pair { name, read }| PairFile { name: name.clone(), read: read.clone() })
            .collect(),
    };
    let cookie = |cookie: &BrowserCookie| CookieFile {
        name: cookie.name.clone(),
        value: cookie.value.expose().to_owned(),
        path: cookie.path.clone(),
    };
    let told = |told: &Told| ToldFile { body: told.body.clone(), values: exposed(&told.values) };
    let member = |member: &Member| MemberFile {
        number: member.number,
        script: member.script,
        cookies: member.cookies.iter().map(cookie).collect(),
        variables: exposed(&member.variables),
        answers: member.answers.iter().map(|(at, answer)| (*at, told(answer))).collect(),
        written: member.written.iter().map(|(at, values)| (*at, exposed(values))).collect(),
    };
    let file = CohortFile {
        version: FORMAT_VERSION,
        opened: cohort.opened,
        scripts: cohort.scripts.iter().map(script).collect(),
        users: cohort.members.iter().map(member).collect(),
    };
    // An error of the writer's names no values.
    let text = serde_json::to_string(&file)
        .map_err(|error| Failure::permanent(format!("the synthetic users cannot be written down: {error}")))?;
    Ok(Secret::new(text))
}

/// From text, that lies there.
///
/// # Errors
/// When it is no such file, or one of a later version. What it holds is not quoted.
pub fn read(text: &Secret, place: &str) -> Result<Cohort, Failure> {
    let hint = "`migrate rollback` removes the file, and phase 4 opens new users";
    // The reader's own words would quote what it met with.
    let broken = |error: &serde_json::Error| {
        let message = format!("{place} cannot be read, from line {}, column {} on", error.line(), error.column());
        Failure::permanent(message).hint(hint)
    };
    let head: Head = serde_json::from_str(text.expose()).map_err(|error| broken(&error))?;
    if head.version != FORMAT_VERSION {
        let message = format!("{place} has version {}, and this program knows only {FORMAT_VERSION}", head.version);
        return Err(Failure::permanent(message).hint("use the migrate that wrote it"));
    }
    let file: CohortFile = serde_json::from_str(text.expose()).map_err(|error| broken(&error))?;
    let script = |script: ScriptFile| ReadScript {
        journey: script.journey,
        questions: script.questions,
        pairs: script.pairs.into_iter().map(|PairFile { name, read }| Pair { name, read }).collect(),
    };
    let cookie =
        |cookie: CookieFile| BrowserCookie { name: cookie.name, value: Secret::new(cookie.value), path: cookie.path };
    let told = |told: ToldFile| Told { body: told.body, values: secret(told.values) };
    let member = |member: MemberFile| Member {
        number: member.number,
        script: member.script,
        cookies: member.cookies.into_iter().map(cookie).collect(),
        variables: secret(member.variables),
        answers: member.answers.into_iter().map(|(at, answer)| (at, told(answer))).collect(),
        written: member.written.into_iter().map(|(at, values)| (at, secret(values))).collect(),
    };
    let cohort = Cohort {
        opened: file.opened,
        scripts: file.scripts.into_iter().map(script).collect(),
        members: file.users.into_iter().map(member).collect(),
    };
    let fits = |member: &Member| {
        cohort.scripts.get(member.script).is_some_and(|script| {
            let is_question = |at: &usize| *at < script.questions.len();
            let is_pair = |at: &usize| *at < script.pairs.len();
            member.answers.contains_key(&0)
                && member.answers.keys().all(is_question)
                && member.written.keys().all(is_pair)
        })
    };
    match cohort.members.iter().find(|member| !fits(member)) {
        Some(odd) => {
            let message = format!("{place}: user {} is to be asked what is not written there", odd.number);
            Err(Failure::permanent(message).hint(hint))
        }
        None => Ok(cohort),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::core::Secret;

    /// As version 1 was written on the day it was made. It never changes.
    const YESTERDAY: &str = include_str!("../../../tests/conformance/fixtures/cohort-v1.json");

    #[test]
    fn yesterdays_file_is_read_today() {
        let cohort = read(&Secret::new(YESTERDAY.to_owned()), "yesterday").expect("a cohort");
        assert_eq!(cohort.opened.to_string(), "2026-11-25T20:00:00Z");
        let script = &cohort.scripts[0];
        assert_eq!((script.journey.as_str(), script.questions.len(), script.pairs.len()), ("analyst", 2, 1));
        assert_eq!(script.questions[0].title(), "GET /whoami");
        let member = &cohort.members[0];
        assert_eq!((member.number, member.cookies[0].value.expose()), (9_000_004, "sid-1.signature"));
        assert_eq!(member.answers[&0].values["identity"].expose(), "analyst-9000004");
        assert!(member.answers[&1].body.is_some());
        assert_eq!(member.written[&0]["messages"].expose(), "2");
        // What is written today is what is read today.
        let again = write(&cohort).expect("a text");
        assert_eq!(format!("{:?}", read(&again, "again").expect("a cohort")), format!("{cohort:?}"));
        let shown = format!("{cohort:?}{again:?}");
        assert!(!shown.contains("sid-1") && !shown.contains("analyst-9000004"), "{shown}");
    }

    #[test]
    fn what_is_no_such_file_is_refused_and_not_quoted() {
        let later = YESTERDAY.replacen("\"version\": 1", "\"version\": 2", 1);
        let other_script = YESTERDAY.replacen("\"script\": 0", "\"script\": 7", 1);
        let no_number = YESTERDAY.replacen("9000004", "\"sid-1\"", 1);
        for (text, words) in [
            (later.as_str(), "has version 2"),
            ("sid-1", "cannot be read"),
            ("", "cannot be read"),
            (other_script.as_str(), "user 9000004 is to be asked what is not written there"),
            (no_number.as_str(), "cannot be read"),
        ] {
            let failure = read(&Secret::new(text.to_owned()), "FILE").expect_err("refused");
            assert!(failure.message.contains(words) && failure.hint.is_some(), "{failure}");
            assert!(failure.message.contains("FILE") && !failure.message.contains("sid-1"), "{failure}");
        }
    }
}
