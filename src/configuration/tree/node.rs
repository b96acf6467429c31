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

    /// Nothing, just past the end of this one.
    pub fn after(self) -> Self {
        Self { start: self.end, end: self.end }
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

impl Key {
    /// The same place, under another name.
    pub fn called(&self, text: &str) -> Self {
        Self { span: self.span, text: text.to_owned() }
    }

    /// An entry.
    pub fn with(self, value: Node) -> Entry {
        Entry { key: self, value }
    }
}

/// The key of [`Entry::rest`]. Written in a file, with an escape, it is still a key that the grammar does not have.
const REST: &str = "\0";

impl Entry {
    /// Stands for all entries of a map from this place on: they could not be read, and may be any.
    pub fn rest(place: Span) -> Self {
        Key { span: place, text: REST.to_owned() }.with(Node { span: place, value: Value::Refused })
    }

    /// Whether this is what [`Self::rest`] makes.
    pub fn is_rest(&self) -> bool {
        self.key.text == REST && self.value.value == Value::Refused
    }
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
        match self.follow(path) {
            Ok(node) | Err(node) => node.span,
        }
    }

    /// The value at `path`, when it is written.
    pub fn at(&self, path: &str) -> Option<&Self> {
        self.follow(path).ok()
    }

    /// Whether it is certain that nothing is written at `path`. Below a value that is refused, nothing is.
    pub fn lacks(&self, path: &str) -> bool {
        self.follow(path).is_err_and(Self::is_whole_map)
    }

    /// Whether this is a map of which all keys are known.
    pub fn is_whole_map(&self) -> bool {
        matches!(&self.value, Value::Map(entries) if !entries.iter().any(Entry::is_rest))
    }

    /// The same map, with entries that could not be read.
    pub fn unfinished(mut self) -> Self {
        if let Value::Map(entries) = &mut self.value {
            entries.push(Entry::rest(self.span.after()));
        }
        self
    }

    /// Whether the reader stopped in the middle of it.
    pub fn is_unfinished(&self) -> bool {
        self.entries().iter().any(Entry::is_rest)
    }

    /// The value at `path`, or else its nearest written parent.
    fn follow(&self, path: &str) -> Result<&Self, &Self> {
        let mut node = self;
        for part in path.split('.') {
            let next = match part.parse::<usize>() {
                Ok(position) => node.items().get(position),
                Err(_) => node.get(part),
            };
            node = next.ok_or(node)?;
        }
        Ok(node)
    }

    /// Whether anything in it is refused.
    pub fn is_flawed(&self) -> bool {
        match &self.value {
            Value::Refused => true,
            Value::List(items) => items.iter().any(Self::is_flawed),
            Value::Map(entries) => entries.iter().any(|entry| entry.value.is_flawed()),
            _ => false,
        }
    }

    /// The same value without places. What is refused is left out of maps, and nothing in lists, so that the others
    /// keep their positions.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Refused => serde_json::Value::Null,
            Value::Bool(flag) => serde_json::Value::Bool(*flag),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::Text(text) => serde_json::Value::String(text.clone()),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .filter(|entry| entry.value.value != Value::Refused)
                .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
                .collect(),
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
