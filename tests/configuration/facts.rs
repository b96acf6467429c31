//! References between steps of different phases.

use crate::support::{codes, found, load_phase, text_of};

#[test]
fn a_fact_of_a_later_phase_is_not_known_yet() {
    let text = text_of("tests/configuration/phases/0-preflight.yaml").replace("${caller.arn}", "${cluster.endpoint}");
    let found = found(load_phase(0, text));
    assert_eq!(codes(&found), ["phases/later-fact"]);
    assert!(found[0].why.as_deref().is_some_and(|why| why.contains("`1.replication-group`")), "{:?}", found[0].why);
}

#[test]
fn a_step_that_is_gone_takes_its_facts_with_it() {
    let text =
        text_of("tests/configuration/phases/0-preflight.yaml").replace("  - network_facts: { id: network }\n", "");
    let found = found(load_phase(0, text));
    assert!(found.iter().all(|item| item.code.as_str() == "phases/unknown-fact"));
    assert_eq!(found.iter().filter(|item| item.file == "phases/0-preflight.yaml").count(), 1);
    assert_eq!(found.iter().filter(|item| item.file == "phases/1-infrastructure.yaml").count(), 3);
    assert!(found[0].help.as_deref().is_some_and(|help| help.contains("`network_facts`")), "{:?}", found[0].help);
}

#[test]
fn a_kind_that_is_unknown_is_one_mistake() {
    let text = text_of("tests/configuration/phases/0-preflight.yaml").replace("network_facts", "network_fact");
    assert_eq!(codes(&found(load_phase(0, text))), ["phases/unknown-kind"]);
}

#[test]
fn the_same_id_may_be_used_in_two_phases() {
    let text = text_of("tests/configuration/phases/2-staging-copy.yaml").replace("id: copy }", "id: baseline }");
    assert!(load_phase(2, text).is_ok());
}
