//! The located tree. Independent of the YAML reader behind it.

/// A range of bytes of a file. A file is at most 1 MiB, so 32 bits are plenty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// Just past the last byte.
    pub end: u32,
}

impl Span {
    /// A range of bytes.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    /// From the start of this one to the end of the other.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.end) }
    }
}

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub value: Value,
}

/// A YAML value, read by the YAML 1.2 core schema.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text, quoted or not.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<Entry>),
    /// Something already reported, such as an alias. Later checks pass over it.
    Refused,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Where.
    pub span: Span,
    /// The text.
    pub text: String,
}

impl Node {
    /// The value of a key, when this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// The entries, when this is a map.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items, when this is a list.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text, when this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Where the value at `path` is written: keys and list positions joined by dots (`production.targets.0.host`).
    /// What is not written is where its nearest written parent is.
    pub fn locate(&self, path: &str) -> Span {
        let mut node = self;
        for part in path.split('.') {
            let next = match part.parse::<usize>() {
                Ok(position) => node.items().get(position),
                Err(_) => node.get(part),
            };
            match next {
                Some(found) => node = found,
                None => break,
            }
        }
        node.span
    }

    /// The innermost value that starts at a byte.
    pub fn starting_at(&self, offset: u32) -> Option<&Self> {
        let inner = match &self.value {
            Value::List(items) => items.iter().find_map(|item| item.starting_at(offset)),
            Value::Map(entries) => entries.iter().find_map(|entry| entry.value.starting_at(offset)),
            _ => None,
        };
        inner.or_else(|| (self.span.start == offset).then_some(self))
    }

    /// The same value without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Refused => serde_json::Value::Null,
            Value::Bool(flag) => serde_json::Value::Bool(*flag),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| (entry.key.text.clone(), entry.value.to_json())).collect()
            }
        }
    }

    /// Calls `visit` for every text in the tree, in the order written. Keys are not visited.
    pub fn each_text<'tree>(&'tree self, visit: &mut impl FnMut(&'tree Self, &'tree str)) {
        match &self.value {
            Value::Text(text) => visit(self, text),
            Value::List(items) => items.iter().for_each(|item| item.each_text(visit)),
            Value::Map(entries) => entries.iter().for_each(|entry| entry.value.each_text(visit)),
            _ => {}
        }
    }
}
