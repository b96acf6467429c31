//! What steps learn and hand on: `cluster.endpoint`, `network.vpc`. Never a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

/// The name of a fact: two or more lower-case words joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FactName(String);

impl FactName {
    /// Wraps a name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Reads `${name}`; `None` when the text is not exactly one reference.
    pub fn from_reference(text: &str) -> Option<Self> {
        let name = text.strip_prefix("${")?.strip_suffix('}')?;
        let legal = name.contains('.')
            && name.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            });
        legal.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FactName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// One value.
    Text(String),
    /// Several.
    List(Vec<String>),
}

impl FactValue {
    /// The value, when it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) => None,
        }
    }

    /// The values, when they are several.
    pub fn list(&self) -> Option<&[String]> {
        match self {
            Self::List(list) => Some(list),
            Self::Text(_) => None,
        }
    }
}

impl From<String> for FactValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for FactValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<String>> for FactValue {
    fn from(list: Vec<String>) -> Self {
        Self::List(list)
    }
}

impl fmt::Display for FactValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::List(list) => out.write_str(&list.join(", ")),
        }
    }
}

/// Facts by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<FactName, FactValue>);

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact and returns the whole.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<FactValue>) -> Self {
        self.0.insert(FactName::new(name), value.into());
        self
    }

    /// Adds a fact of a known type and returns the whole.
    #[must_use]
    pub fn with_fact<T: FactType>(mut self, fact: Fact<T>, value: T) -> Self {
        self.0.insert(FactName::new(fact.name), value.into_value());
        self
    }

    /// Takes over all facts of `other`.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// Looks a fact up.
    pub fn get(&self, name: &FactName) -> Option<&FactValue> {
        self.0.get(name)
    }

    /// All facts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&FactName, &FactValue)> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A fact whose name and type are known when this is compiled.
#[derive(Debug)]
pub struct Fact<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Fact<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Fact<T> {}

impl<T> Fact<T> {
    /// A fact.
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T: FactType> Fact<T> {
    /// Its value; `None` when no step has provided it.
    ///
    /// # Errors
    /// When what was recorded does not have its type.
    pub fn read(self, facts: &Facts) -> Result<Option<T>, MissingFact> {
        let name = FactName::new(self.name);
        match facts.get(&name) {
            None => Ok(None),
            Some(value) => T::from_value(value).map(Some).ok_or(MissingFact(name)),
        }
    }

    /// Its value; `None` when no step has provided it, or in another type: an earlier version wrote it.
    pub fn known(self, facts: &Facts) -> Option<T> {
        self.read(facts).ok().flatten()
    }

    /// Its value.
    ///
    /// # Errors
    /// When no step has provided it, or what was recorded does not have its type.
    pub fn required(self, facts: &Facts) -> Result<T, MissingFact> {
        self.read(facts)?.ok_or_else(|| MissingFact(FactName::new(self.name)))
    }
}

/// A type of which facts can be.
pub trait FactType: Sized {
    /// As it is recorded.
    fn into_value(self) -> FactValue;

    /// From what was recorded; `None` when that is another type.
    fn from_value(value: &FactValue) -> Option<Self>;
}

/// Types that are recorded as their text.
#[macro_export]
macro_rules! fact_as_text {
    ($($type:ty),+) => { $(
        impl $crate::core::FactType for $type {
            fn into_value(self) -> $crate::core::FactValue {
                $crate::core::FactValue::Text(self.to_string())
            }

            fn from_value(value: &$crate::core::FactValue) -> Option<Self> {
                value.text()?.parse().ok()
            }
        }
    )+ };
}

fact_as_text!(String, u32, u64, jiff::Timestamp);

/// A value of which the step that reads it knows the type, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// Writes a value.
    ///
    /// # Errors
    /// When it has a map whose keys are not text.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(Self)
    }

    /// One that was recorded, from a step's setting.
    pub fn recorded(text: String) -> Self {
        Self(text)
    }

    /// Reads the value.
    ///
    /// # Errors
    /// When it is not of this type: another version wrote it.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl FactType for Document {
    fn into_value(self) -> FactValue {
        FactValue::Text(self.0)
    }

    fn from_value(value: &FactValue) -> Option<Self> {
        value.text().map(|text| Self(text.to_owned()))
    }
}

impl FactType for Vec<String> {
    fn into_value(self) -> FactValue {
        FactValue::List(self)
    }

    fn from_value(value: &FactValue) -> Option<Self> {
        value.list().map(<[String]>::to_vec)
    }
}

/// A reference to a fact that no step has provided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact `{0}` is not known yet, or has the wrong shape")]
pub struct MissingFact(pub FactName);

/// A step's setting: a value, or a reference to a fact that is looked up when the step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<T> {
    /// `${name}`.
    Fact(FactName),
    /// Written out.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw<T> {
            Text(String),
            Value(T),
        }
        match Raw::<T>::deserialize(deserializer)? {
            Raw::Value(value) => Ok(Self::Value(value)),
            Raw::Text(text) => match FactName::from_reference(&text) {
                Some(name) => Ok(Self::Fact(name)),
                None => T::deserialize(serde::de::value::StringDeserializer::<D::Error>::new(text)).map(Self::Value),
            },
        }
    }
}

impl<T: JsonSchema> JsonSchema for Input<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Input_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [
            { "type": "string", "pattern": r"^\$\{[a-z0-9_]+(?:\.[a-z0-9_]+)+\}$", "description": "a reference such as ${network.vpc}" },
            value
        ] })
    }
}

impl Input<String> {
    /// The text, from the settings or from the facts.
    ///
    /// # Errors
    /// When the fact is unknown, or is a list.
    pub fn text(&self, facts: &Facts) -> Result<String, MissingFact> {
        match self {
            Self::Value(text) => Ok(text.clone()),
            Self::Fact(name) => {
                let text = facts.get(name).and_then(FactValue::text);
                text.map(str::to_owned).ok_or_else(|| MissingFact(name.clone()))
            }
        }
    }
}

impl Input<Vec<String>> {
    /// The list, from the settings or from the facts.
    ///
    /// # Errors
    /// When the fact is unknown, or is a single text.
    pub fn list(&self, facts: &Facts) -> Result<Vec<String>, MissingFact> {
        match self {
            Self::Value(list) => Ok(list.clone()),
            Self::Fact(name) => {
                let list = facts.get(name).and_then(FactValue::list);
                list.map(<[String]>::to_vec).ok_or_else(|| MissingFact(name.clone()))
            }
        }
    }
}

impl<T> Input<T> {
    /// The fact this refers to, when it is a reference.
    pub fn reference(&self) -> Option<&FactName> {
        match self {
            Self::Fact(name) => Some(name),
            Self::Value(_) => None,
        }
    }
}
