//! User journeys: what a person does with the application, request by request.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanDuration, Name};

/// The extraction of this name is who the application takes the user for. A user who is served another user's identity later
/// in a journey is a lost or mixed-up session.
pub const IDENTITY: &str = "identity";

/// What one person does, from arriving to leaving. Every simulated user has cookies of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// What it is called in reports.
    pub name: Name,
    /// How often it is chosen, relative to the other journeys.
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 1000))]
    pub weight: u32,
    /// The requests, in order. One that fails ends the journey.
    #[schemars(length(min = 1, max = 100))]
    pub requests: Vec<JourneyRequest>,
}

fn once() -> u32 {
    1
}

/// One request. In its texts `${name}` inserts an extracted value, or `${user}` (the user's number, from 1),
/// `${iteration}` (how many journeys this user has begun) or `${nonce}` (other letters and digits in every request).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JourneyRequest {
    /// What it is called in reports; otherwise its method and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 60))]
    pub name: Option<String>,
    /// GET this path, query included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get: Option<String>,
    /// POST to this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<String>,
    /// PUT to this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put: Option<String>,
    /// DELETE this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<String>,
    /// A body of form fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, String>>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// A multipart body: fields and files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multipart: Option<BTreeMap<String, MultipartField>>,
    /// More headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Values to take from the answer, for later requests of the journey. `identity` is who the user is taken for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extract: BTreeMap<String, Extraction>,
    /// What the answer has to be.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub expect: Expectations,
    /// How long the user looks at the answer before the next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think: Option<HumanDuration>,
}

/// A field of a multipart body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MultipartField {
    /// A value.
    Value(String),
    /// A file.
    File(MultipartFile),
}

/// A file of a multipart body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultipartFile {
    /// Its name.
    pub file_name: String,
    /// What is in it.
    pub content: String,
    /// Its media type, such as text/csv.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// Where in an answer a value is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extraction {
    /// The first group of a regular expression over the body.
    Regex(String),
    /// A value of a JSON body, by its JSON pointer: /user/id.
    Json(String),
    /// A header.
    Header(String),
    /// A cookie, as the user has it after the answer.
    Cookie(String),
}

/// What an answer has to be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// The status; otherwise any below 400. When a redirect is expected it is not followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// A text that is somewhere in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_contains: Option<String>,
    /// Texts that are somewhere in these headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header: BTreeMap<String, String>,
    /// Values of a JSON body, by their JSON pointers: /user/id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, serde_json::Value>,
}

impl Expectations {
    /// Whether nothing in particular is expected.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Every text that may hold a reference, with its place below `expect`.
    fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = Vec::new();
        texts.extend(self.body_contains.iter().map(|text| ("body_contains".to_owned(), text.as_str())));
        texts.extend(self.header.iter().map(|(name, text)| (format!("header.{name}"), text.as_str())));
        for (pointer, value) in &self.json {
            collect(value, &format!("json.{pointer}"), &mut texts);
        }
        texts
    }
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// To see something.
    Get,
    /// To do something.
    Post,
    /// To replace something.
    Put,
    /// To remove something.
    Delete,
}

impl Method {
    /// As it is written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl JourneyRequest {
    /// Every method that is written, with its key in the file and its path. Exactly one is legal.
    pub fn methods(&self) -> Vec<(Method, &'static str, &str)> {
        let written = [
            (Method::Get, "get", &self.get),
            (Method::Post, "post", &self.post),
            (Method::Put, "put", &self.put),
            (Method::Delete, "delete", &self.delete),
        ];
        written.into_iter().filter_map(|(method, key, path)| Some((method, key, path.as_deref()?))).collect()
    }

    /// What it is called in reports.
    pub fn title(&self) -> String {
        match (&self.name, self.methods().first()) {
            (Some(name), _) => name.clone(),
            (None, Some((method, _, path))) => format!("{} {path}", method.as_str()),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// Every text that is sent and may hold a reference, with its place below the request.
    pub fn sent_texts(&self) -> Vec<(String, &str)> {
        let mut texts: Vec<(String, &str)> =
            self.methods().into_iter().map(|(_, key, path)| (key.to_owned(), path)).collect();
        texts.extend(self.form.iter().flatten().map(|(name, text)| (format!("form.{name}"), text.as_str())));
        if let Some(json) = &self.json {
            collect(json, "json", &mut texts);
        }
        for (name, field) in self.multipart.iter().flatten() {
            match field {
                MultipartField::Value(text) => texts.push((format!("multipart.{name}"), text)),
                MultipartField::File(file) => {
                    texts.push((format!("multipart.{name}.file_name"), &file.file_name));
                    texts.push((format!("multipart.{name}.content"), &file.content));
                }
            }
        }
        texts.extend(self.headers.iter().map(|(name, text)| (format!("headers.{name}"), text.as_str())));
        texts
    }

    /// Every text that is expected and may hold a reference, with its place below the request. Values that this very
    /// request extracts are already known here.
    pub fn expected_texts(&self) -> Vec<(String, &str)> {
        self.expect.texts().into_iter().map(|(place, text)| (format!("expect.{place}"), text)).collect()
    }
}

/// The texts of a JSON value.
fn collect<'a>(value: &'a serde_json::Value, place: &str, texts: &mut Vec<(String, &'a str)>) {
    match value {
        serde_json::Value::String(text) => texts.push((place.to_owned(), text)),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(item, &format!("{place}.{at}"), texts));
        }
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, inner)| collect(inner, &format!("{place}.{key}"), texts));
        }
        _ => {}
    }
}
