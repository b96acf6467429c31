//! Tags repeated in a replication group's description, for the states in which ElastiCache does not show its tags.
//!
//! "If the cluster is not in the available state, ListTagsForResource returns an error":
//! <https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ListTagsForResource.html>. A group that is
//! being created or deleted could otherwise not be told from somebody else's, and its description is always shown.

use crate::ports::Tags;

const LEAD: &str = "created by migrate;";

/// A description that holds the tags.
pub(super) fn write(tags: &Tags) -> String {
    tags.iter().fold(LEAD.to_owned(), |text, (key, value)| format!("{text} {key}={value}"))
}

/// The tags in a description; none when we did not write it.
pub(super) fn read(description: &str) -> Tags {
    let words = description.strip_prefix(LEAD).unwrap_or_default().split_whitespace();
    words.filter_map(|word| word.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::ports::Tags;

    #[test]
    fn what_is_written_is_read_back() {
        let tags: Tags = [("migrate:rollout", "chatmrpt"), ("migrate:run", "20250729T1200Z-1a2b")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(read(&write(&tags)), tags);
    }

    #[test]
    fn another_description_holds_no_tags() {
        assert!(read("team=web migrate:rollout=chatmrpt").is_empty());
    }
}
