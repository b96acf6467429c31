//! A unit and its main process, from what `scripts/service.sh` prints.

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;

use super::parse::is_digest;
use crate::core::Digest;
use crate::ports::ServiceFacts;

/// Reads the facts; `None` when they are not what the script prints.
pub(super) fn facts(printed: &str) -> Option<ServiceFacts> {
    let mut lines = printed.lines();
    let mut next = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let loaded = next("load")? != "not-found";
    let active = next("active")? == "active";
    let mut unit = String::new();
    let mut line = lines.next()?;
    while let Some(file) = line.strip_prefix("unit ") {
        unit.push_str(file);
        unit.push('\n');
        line = lines.next()?;
    }
    let unit = (loaded && !unit.is_empty()).then(|| Digest::of(unit.as_bytes()));
    let facts = ServiceFacts {
        active,
        main_pid: None,
        executable: None,
        command_line: Vec::new(),
        started_ticks: None,
        environment: None,
        unit,
        workers: 0,
    };
    let pid = line.strip_prefix("pid ")?;
    if pid == "-" {
        return lines.next().is_none().then_some(facts);
    }
    let mut next = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let facts = ServiceFacts {
        main_pid: Some(pid.parse().ok()?),
        started_ticks: Some(next("started")?.parse().ok()?),
        executable: visible(next("executable")?),
        command_line: arguments(next("command")?)?,
        environment: match visible(next("environment")?) {
            Some(digits) => Some(digest(&digits)?),
            None => None,
        },
        workers: next("workers")?.parse().ok()?,
        ..facts
    };
    lines.next().is_none().then_some(facts)
}

fn visible(text: &str) -> Option<String> {
    (text != "-").then(|| text.to_owned())
}

fn digest(digits: &str) -> Option<Digest> {
    let deserializer: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = digits.into_deserializer();
    is_digest(digits).then(|| Digest::deserialize(deserializer).ok()).flatten()
}

/// Arguments, each ended by NUL, as hexadecimal digits.
fn arguments(digits: &str) -> Option<Vec<String>> {
    let bytes = hex::decode(digits).ok()?;
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    Some(bytes.split(|byte| *byte == 0).map(|each| String::from_utf8_lossy(each).into_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::facts;

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_running_service_is_read() {
        let printed = format!(
            "load loaded\nactive active\nunit {SUM}  /etc/systemd/system/a.service\npid 42\nstarted 777\nexecutable \
             /usr/bin/python3\ncommand 61006220630a00\nenvironment {SUM}\nworkers 2\n"
        );
        let service = facts(&printed).expect("facts");
        assert!(service.active && service.unit.is_some());
        assert_eq!(service.command_line, ["a", "b c\n"]);
        assert_eq!((service.main_pid, service.started_ticks, service.workers), (Some(42), Some(777), 2));
        assert_eq!(service.environment.expect("digest").as_str(), SUM);
    }

    #[test]
    fn hidden_things_are_none_and_missing_ones_are_errors() {
        let printed =
            "load loaded\nactive active\npid 42\nstarted 7\nexecutable -\ncommand 6100\nenvironment -\nworkers 0\n";
        let service = facts(printed).expect("facts");
        assert_eq!((service.executable, service.environment, service.unit), (None, None, None));
        assert!(facts(&printed.replace("workers 0\n", "")).is_none());
        assert!(facts("load not-found\nactive inactive\npid -\n").is_some_and(|service| !service.active));
        assert!(facts("load not-found\n").is_none());
    }
}
