//! Which security groups stand for "the application's instances".

use std::collections::{BTreeMap, BTreeSet};

/// The name AWS gives to the group every instance gets when nobody chose one.
const DEFAULT: &str = "default";

/// The fewest security groups such that every instance holds at least one of them, as sorted ids; `None` when an
/// instance holds none at all.
///
/// `default` is taken only where an instance has nothing else, even if more groups are needed without it: half the VPC
/// may hold it, and what it admits, the store admits. Among equally few, the ones whose names come first are taken, so
/// that the answer is the same every time.
pub fn covering_groups(instances: &[BTreeMap<String, String>]) -> Option<Vec<String>> {
    // Per instance, what may stand for it: (name, id), so that order is by name.
    let choices: Vec<BTreeSet<(&str, &str)>> = instances
        .iter()
        .map(|groups| {
            let pairs = || groups.iter().map(|(id, name)| (name.as_str(), id.as_str()));
            let chosen: BTreeSet<_> = pairs().filter(|(name, _)| *name != DEFAULT).collect();
            if chosen.is_empty() { pairs().collect() } else { chosen }
        })
        .collect();
    if choices.iter().any(BTreeSet::is_empty) {
        return None;
    }
    let candidates = without_dominated(&choices);
    let best = (0..=instances.len()).find_map(|size| cover(&choices, &candidates, size, &mut Vec::new()))?;
    let mut ids: Vec<String> = best.into_iter().map(|(_, id)| id.to_owned()).collect();
    ids.sort();
    Some(ids)
}

/// A group, by name and id.
type Group<'a> = (&'a str, &'a str);

/// The groups worth trying: none that covers only what another covers too. Keeps the search small: an instance holds
/// up to sixteen groups, and most of them stand for the same instances.
fn without_dominated<'a>(choices: &[BTreeSet<Group<'a>>]) -> BTreeSet<Group<'a>> {
    let all: BTreeSet<Group<'a>> = choices.iter().flatten().copied().collect();
    let covers = |group: &Group<'a>| -> BTreeSet<usize> {
        choices.iter().enumerate().filter(|(_, held)| held.contains(group)).map(|(index, _)| index).collect()
    };
    let coverage: BTreeMap<Group<'a>, BTreeSet<usize>> = all.iter().map(|group| (*group, covers(group))).collect();
    all.iter()
        .filter(|group| {
            let mine = &coverage[*group];
            !coverage
                .iter()
                .any(|(other, theirs)| mine.is_subset(theirs) && (theirs.len() > mine.len() || other < *group))
        })
        .copied()
        .collect()
}

/// A cover of at most `size` groups that extends `taken`, the first in order of name.
fn cover<'a>(
    choices: &[BTreeSet<Group<'a>>],
    candidates: &BTreeSet<Group<'a>>,
    size: usize,
    taken: &mut Vec<Group<'a>>,
) -> Option<Vec<Group<'a>>> {
    let Some(open) = choices.iter().find(|held| !taken.iter().any(|group| held.contains(group))) else {
        return Some(taken.clone());
    };
    if taken.len() == size {
        return None;
    }
    open.intersection(candidates).find_map(|group| {
        taken.push(*group);
        let found = cover(choices, candidates, size, taken);
        taken.pop();
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| (format!("sg-{name}"), (*name).to_owned())).collect()
    }

    fn covering(instances: &[&[&str]]) -> Option<Vec<String>> {
        covering_groups(&instances.iter().map(|names| groups(names)).collect::<Vec<_>>())
    }

    #[test]
    fn one_common_group_is_enough() {
        let found = covering(&[&["default", "app", "staging"], &["app", "default"], &["app", "web"]]);
        assert_eq!(found, Some(vec!["sg-app".to_owned()]));
    }

    #[test]
    fn default_is_a_last_resort() {
        let apart = covering(&[&["default", "staging"], &["default", "web"]]);
        assert_eq!(apart, Some(vec!["sg-staging".to_owned(), "sg-web".to_owned()]));
        let nothing_else = covering(&[&["default"], &["default", "web"]]);
        assert_eq!(nothing_else, Some(vec!["sg-default".to_owned(), "sg-web".to_owned()]));
    }

    #[test]
    fn fewest_groups_win_over_first_names() {
        let found = covering(&[&["a", "z"], &["b", "z"], &["c", "y"], &["d", "y"]]);
        assert_eq!(found, Some(vec!["sg-y".to_owned(), "sg-z".to_owned()]));
    }

    #[test]
    fn equals_are_taken_by_name() {
        assert_eq!(covering(&[&["web", "app"], &["app", "web"]]), Some(vec!["sg-app".to_owned()]));
    }

    #[test]
    fn an_instance_without_groups_has_no_answer() {
        assert_eq!(covering(&[&["app"], &[]]), None);
    }

    #[test]
    fn many_instances_with_many_groups_take_no_time() {
        let many: Vec<BTreeMap<String, String>> = (0..40)
            .map(|instance| {
                (0..16).map(|group| (format!("sg-{instance}-{group}"), format!("{instance}-{group}"))).collect()
            })
            .collect();
        assert_eq!(covering_groups(&many).map(|found| found.len()), Some(40));
    }
}
