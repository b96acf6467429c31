//! A tree's digest, from the listing that `scripts/tree.sh` prints.

use std::collections::BTreeMap;

use super::parse::is_digest;
use crate::core::Digest;
use crate::ports::TreeFacts;

/// Why a listing cannot be turned into facts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is not what the script prints.
    Nonsense(&'static str),
    /// Files appeared or vanished between its parts.
    Changed,
}

/// Entries by path, and what follows them.
type Entries<'a> = (BTreeMap<&'a [u8], Entry<'a>>, &'a [u8]);

/// Sums by path, and what follows them.
type Sums<'a> = (BTreeMap<Vec<u8>, String>, &'a [u8]);

struct Entry<'a> {
    kind: &'a [u8],
    mode: &'a [u8],
    link: &'a [u8],
}

/// The facts of a tree. The digest is over the entries sorted by their path's bytes; each is its path, type, mode, link
/// target and content sum, each ended by NUL, which none of them can hold. It is the same on every host.
pub(super) fn facts(listing: &[u8]) -> Result<TreeFacts, Unusable> {
    let (entries, sizes) = summed(listing)?;
    let mut canonical = Vec::new();
    for (path, (entry, sum)) in &entries {
        write_fields(&mut canonical, &[*path, entry.kind, entry.mode, entry.link, sum.as_bytes()]);
    }
    let files = entries.values().filter(|(entry, _)| entry.kind == b"f").count() as u64;
    Ok(TreeFacts { digest: Digest::of(&canonical), files, bytes: total(sizes)? })
}

/// Every entry by its path, each with a digest over all the rest of it. What is no text in a path is replaced.
pub(super) fn manifest(listing: &[u8]) -> Result<BTreeMap<String, Digest>, Unusable> {
    let (entries, sizes) = summed(listing)?;
    total(sizes)?;
    let digest = |entry: &Entry<'_>, sum: &str| {
        let mut canonical = Vec::new();
        write_fields(&mut canonical, &[entry.kind, entry.mode, entry.link, sum.as_bytes()]);
        Digest::of(&canonical)
    };
    let named = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    Ok(entries.iter().map(|(path, (entry, sum))| (named(path), digest(entry, sum))).collect())
}

fn write_fields(canonical: &mut Vec<u8>, fields: &[&[u8]]) {
    for field in fields {
        canonical.extend_from_slice(field);
        canonical.push(0);
    }
}

/// Entries with the sums of their contents, by path, and what follows them.
type Summed<'a> = (BTreeMap<&'a [u8], (Entry<'a>, String)>, &'a [u8]);

fn summed(listing: &[u8]) -> Result<Summed<'_>, Unusable> {
    let (entries, rest) = entries(listing)?;
    let (mut sums, sizes) = sums(rest)?;
    let mut summed = BTreeMap::new();
    for (path, entry) in entries {
        let sum = if entry.kind == b"f" { sums.remove(path).ok_or(Unusable::Changed)? } else { String::new() };
        summed.insert(path, (entry, sum));
    }
    if sums.is_empty() { Ok((summed, sizes)) } else { Err(Unusable::Changed) }
}

/// Type, mode and path; NUL; link target; NUL; and so on up to an empty record.
fn entries(listing: &[u8]) -> Result<Entries<'_>, Unusable> {
    let mut found = BTreeMap::new();
    let mut rest = listing;
    loop {
        let head = record(&mut rest)?;
        if head.is_empty() {
            return Ok((found, rest));
        }
        let link = record(&mut rest)?;
        let mut words = head.splitn(3, |byte| *byte == b' ');
        let (Some(kind), Some(mode), Some(path)) = (words.next(), words.next(), words.next()) else {
            return Err(Unusable::Nonsense("an entry without type, mode and path"));
        };
        found.insert(path, Entry { kind, mode, link });
    }
}

fn record<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Unusable> {
    let end = rest.iter().position(|byte| *byte == 0).ok_or(Unusable::Nonsense("an entry without an end"))?;
    let (record, after) = rest.split_at(end);
    *rest = &after[1..];
    Ok(record)
}

/// Lines of sha256sum(1), up to an empty line; and what follows.
fn sums(listing: &[u8]) -> Result<Sums<'_>, Unusable> {
    let mut found = BTreeMap::new();
    let mut rest = listing;
    loop {
        let line = line(&mut rest)?;
        if line.is_empty() {
            return Ok((found, rest));
        }
        let (escaped, line) = match line.strip_prefix(b"\\") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (sum, name) = line.split_at_checked(64).ok_or(Unusable::Nonsense("a sum that is too short"))?;
        let sum = std::str::from_utf8(sum)
            .ok()
            .filter(|sum| is_digest(sum))
            .ok_or(Unusable::Nonsense("a sum that is none"))?;
        // Two spaces, or a space and an asterisk, then `./` and the path.
        let path = name.get(4..).filter(|_| &name[2..4] == b"./");
        let path = path.ok_or(Unusable::Nonsense("a sum without a path"))?;
        found.insert(if escaped { unescape(path) } else { path.to_vec() }, sum.to_owned());
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Unusable> {
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(Unusable::Nonsense("a line without an end"))?;
    let (line, after) = rest.split_at(end);
    *rest = &after[1..];
    Ok(line)
}

/// sha256sum writes a newline, a carriage return (since coreutils 9) and a backslash in a name as two characters, and
/// marks such a line by a leading backslash.
/// <https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html>
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        let next = if *byte == b'\\' { bytes.next() } else { None };
        plain.push(match next {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(other) => *other,
            None => *byte,
        });
    }
    plain
}

/// The sum of sizes, one a line, up to an empty line.
fn total(listing: &[u8]) -> Result<u64, Unusable> {
    let mut rest = listing;
    let mut total = 0_u64;
    loop {
        let line = line(&mut rest)?;
        if line.is_empty() {
            return if rest.is_empty() { Ok(total) } else { Err(Unusable::Nonsense("something after the sizes")) };
        }
        let size = std::str::from_utf8(line).ok().and_then(|size| size.parse::<u64>().ok());
        total = total.saturating_add(size.ok_or(Unusable::Nonsense("a size that is not a number"))?);
    }
}

#[cfg(test)]
mod tests {
    use super::{Unusable, facts, manifest};

    const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_listing_is_read() {
        let listing = format!("d 755 \0\0f 644 a\nb\\\0\0l 777 c\0a\0\0\\{SUM}  ./a\\nb\\\\\n\n3\n4\n\n");
        let facts = facts(listing.as_bytes()).expect("facts");
        assert_eq!((facts.files, facts.bytes), (1, 7));
    }

    #[test]
    fn a_manifest_has_every_entry_and_tells_modes_links_and_contents_apart() {
        let read = |mode: &str, link: &str, sum: &str| {
            let listing = format!("d 755 sub\0\0f {mode} a\0\0l 777 b\0{link}\0\0{sum}  ./a\n\n3\n\n");
            manifest(listing.as_bytes()).expect("a manifest")
        };
        let one = read("644", "a", SUM);
        assert_eq!(one.keys().collect::<Vec<_>>(), ["a", "b", "sub"]);
        let differ = |other: &std::collections::BTreeMap<String, crate::core::Digest>| {
            one.iter().filter(|(path, digest)| other.get(*path) != Some(digest)).map(|(path, _)| path.clone()).collect()
        };
        let other: Vec<String> = differ(&read("600", "a", SUM));
        assert_eq!(other, ["a"]);
        let other: Vec<String> = differ(&read("644", "c", SUM));
        assert_eq!(other, ["b"]);
        let other: Vec<String> = differ(&read("644", "a", &SUM.replace('e', "f")));
        assert_eq!(other, ["a"]);
    }

    #[test]
    fn order_does_not_matter_and_parts_must_agree() {
        let one = format!("f 644 a\0\0f 644 b\0\0\0{SUM}  ./a\n{SUM}  ./b\n\n\n");
        let other = format!("f 644 b\0\0f 644 a\0\0\0{SUM}  ./b\n{SUM}  ./a\n\n\n");
        assert_eq!(facts(one.as_bytes()), facts(other.as_bytes()));
        let missing = format!("f 644 a\0\0\0{SUM}  ./b\n\n\n");
        assert_eq!(facts(missing.as_bytes()), Err(Unusable::Changed));
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = format!("d 755 \0\0f 644 a\0\0\0{SUM}  ./a\n\n3\n\n").into_bytes();
        assert!(facts(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(facts(&whole[..length]).is_err(), "cut at {length}");
        }
    }
}
