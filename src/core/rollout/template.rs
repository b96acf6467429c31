//! Texts with `${name}` in them.

use std::fmt;

/// What `${...}` may name without anybody extracting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// The number of the user, from 1: the same for all journeys of one user.
    User,
    /// How many journeys this user has begun, from 1.
    Iteration,
    /// Sixteen hexadecimal digits, other ones in every request.
    Nonce,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::Iteration, Self::Nonce];

    /// The name between the braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Iteration => "iteration",
            Self::Nonce => "nonce",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|built_in| built_in.name() == name)
    }
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Taken as it is.
    Text(&'a str),
    /// `${name}`: replaced by a value.
    Variable(&'a str),
}

/// `${` that is not `${name}`, where a name is lower-case letters, digits and `_`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BrokenReference(pub String);

impl fmt::Display for BrokenReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a reference such as ${{user}}", self.0)
    }
}

/// Cuts a text into pieces.
///
/// # Errors
/// When a `${` has no `}`, or no name in between.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BrokenReference> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let broken = || BrokenReference(format!("${{{}", after.chars().take(30).collect::<String>()));
        let (name, remaining) = after.split_once('}').ok_or_else(broken)?;
        if !is_variable(name) {
            return Err(BrokenReference(format!("${{{}}}", name.chars().take(30).collect::<String>())));
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Variable(name));
        rest = remaining;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Whether this may stand between the braces.
pub fn is_variable(name: &str) -> bool {
    name.len() <= 60
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_references() {
        use Piece::{Text, Variable};
        assert_eq!(pieces(""), Ok(vec![]));
        assert_eq!(pieces("a$b {c} $"), Ok(vec![Text("a$b {c} $")]));
        assert_eq!(pieces("${user}"), Ok(vec![Variable("user")]));
        assert_eq!(
            pieces("/u/${user}/x${n_2}y"),
            Ok(vec![Text("/u/"), Variable("user"), Text("/x"), Variable("n_2"), Text("y")])
        );
    }

    #[test]
    fn what_is_no_reference_is_said() {
        for (text, broken) in [("a${", "${"), ("${x", "${x"), ("${}", "${}"), ("${A}", "${A}"), ("${a b}", "${a b}")] {
            assert_eq!(pieces(text), Err(BrokenReference(broken.to_owned())));
        }
    }
}
