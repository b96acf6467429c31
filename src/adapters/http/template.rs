//! Texts with references, ready to be written into a request again and again.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::core::rollout::{BrokenReference, BuiltIn, Piece, pieces};

/// What stands for a reference while a journey runs.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub user: String,
    pub iteration: String,
    pub nonce: String,
    /// Extracted ones, by their place in [`Names`].
    pub extracted: Vec<Option<String>>,
}

/// The names that one journey extracts, each with its place among the values.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// The place of a name; a new one for a new name.
    pub fn place(&mut self, name: &str) -> usize {
        self.0.iter().position(|known| known == name).unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        })
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them, in the order of their places.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// How a value has to be written where it is inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    None,
    /// One line: what would end a header is left out.
    Header,
    /// Within a path or a query.
    Path,
    /// Within a form.
    Form,
    /// Within a JSON text.
    Json,
}

/// What a value must not do to a path: end it, or begin a query, a fragment or another parameter.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'/').add(b'?');

/// What the encoding of forms leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    BuiltIn(BuiltIn, Escape),
    Extracted(usize, Escape),
}

/// A text with references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Appends a text that has no references, as it is.
    pub fn push_text(&mut self, text: &[u8]) {
        match self.0.last_mut() {
            Some(Part::Text(last)) => last.extend_from_slice(text),
            _ => self.0.push(Part::Text(text.to_vec())),
        }
    }

    /// Appends a text and its references, both escaped; what is written of a path is legal already.
    pub fn push(&mut self, text: &str, escape: Escape, names: &mut Names) -> Result<(), BrokenReference> {
        for piece in pieces(text)? {
            match piece {
                Piece::Text(text) if escape == Escape::Path => self.push_text(text.as_bytes()),
                Piece::Text(text) => {
                    let mut escaped = Vec::new();
                    append(text, escape, &mut escaped);
                    self.push_text(&escaped);
                }
                Piece::Variable(name) => self.0.push(match BuiltIn::named(name) {
                    Some(built_in) => Part::BuiltIn(built_in, escape),
                    None => Part::Extracted(names.place(name), escape),
                }),
            }
        }
        Ok(())
    }

    /// One text with its references.
    pub fn of(text: &str, escape: Escape, names: &mut Names) -> Result<Self, BrokenReference> {
        let mut template = Self::default();
        template.push(text, escape, names)?;
        Ok(template)
    }

    /// Whether there is a reference in it.
    pub fn varies(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    /// Appends the text with its values. A value that was not extracted is nothing: the journey ended before.
    pub fn write(&self, values: &Values, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::BuiltIn(built_in, escape) => {
                    let value = match built_in {
                        BuiltIn::User => &values.user,
                        BuiltIn::Iteration => &values.iteration,
                        BuiltIn::Nonce => &values.nonce,
                    };
                    append(value, *escape, out);
                }
                Part::Extracted(place, escape) => {
                    if let Some(Some(value)) = values.extracted.get(*place) {
                        append(value, *escape, out);
                    }
                }
            }
        }
    }

    /// The text with its values.
    pub fn text(&self, values: &Values) -> String {
        let mut out = Vec::new();
        self.write(values, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

fn append(value: &str, escape: Escape, out: &mut Vec<u8>) {
    match escape {
        Escape::None => out.extend_from_slice(value.as_bytes()),
        Escape::Header => out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0))),
        Escape::Path => out.extend(utf8_percent_encode(value, PATH).flat_map(str::bytes)),
        Escape::Form => {
            for part in value.split_inclusive(' ') {
                let (word, blank) = part.strip_suffix(' ').map_or((part, false), |word| (word, true));
                out.extend(utf8_percent_encode(word, FORM).flat_map(str::bytes));
                out.extend(blank.then_some(b'+'));
            }
        }
        Escape::Json => {
            // Without its quotes: the template has them.
            let quoted = serde_json::to_string(value).unwrap_or_default();
            let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            out.extend_from_slice(inner.unwrap_or_default().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, escape: Escape) -> String {
        let mut names = Names::default();
        let template = Template::of(text, escape, &mut names).unwrap();
        let values = Values {
            user: "7".into(),
            iteration: "2".into(),
            nonce: "ab".into(),
            extracted: vec![Some("a b&c/\"d\"\r\né".into())],
        };
        template.text(&values)
    }

    #[test]
    fn values_are_written_as_their_place_wants_it() {
        assert_eq!(written("/u/${user}/${iteration}?n=${nonce}", Escape::Path), "/u/7/2?n=ab");
        assert_eq!(written("/x?a=${v}&b=1", Escape::Path), "/x?a=a%20b%26c%2F%22d%22%0D%0A%C3%A9&b=1");
        assert_eq!(written("${v} &", Escape::Form), "a+b%26c%2F%22d%22%0D%0A%C3%A9+%26");
        assert_eq!(written("X: ${v}", Escape::Header), "X: a b&c/\"d\"é");
        assert_eq!(written("say \"${v}\"", Escape::Json), r#"say \"a b&c/\"d\"\r\né\""#);
        assert_eq!(written("${v}", Escape::None), "a b&c/\"d\"\r\né");
    }
}
