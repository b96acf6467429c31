//! Bodies of requests, as templates.

use std::collections::BTreeMap;

use serde_json::Value;

use super::template::{Escape, Names, Template};
use crate::core::rollout::{BrokenReference, JourneyRequest, MultipartField};

/// Between the parts of a multipart body. No file of a journey holds it.
const BOUNDARY: &str = "migrate-7c1f4a90e2d84b53-boundary";

/// A body and its media type.
#[derive(Debug)]
pub(super) struct Body {
    pub content_type: &'static str,
    pub content: Template,
}

/// The body of a request, when it has one.
pub(super) fn body(request: &JourneyRequest, names: &mut Names) -> Result<Option<Body>, BrokenReference> {
    let body = if let Some(fields) = &request.form {
        Body { content_type: "application/x-www-form-urlencoded", content: form(fields, names)? }
    } else if let Some(value) = &request.json {
        let mut content = Template::default();
        json(value, &mut content, names)?;
        Body { content_type: "application/json", content }
    } else if let Some(fields) = &request.multipart {
        // Kept beside BOUNDARY by a test.
        let content_type = "multipart/form-data; boundary=migrate-7c1f4a90e2d84b53-boundary";
        Body { content_type, content: multipart(fields, names)? }
    } else {
        return Ok(None);
    };
    Ok(Some(body))
}

fn form(fields: &BTreeMap<String, String>, names: &mut Names) -> Result<Template, BrokenReference> {
    let mut content = Template::default();
    for (position, (name, value)) in fields.iter().enumerate() {
        if position > 0 {
            content.push_text(b"&");
        }
        content.push(name, Escape::Form, names)?;
        content.push_text(b"=");
        content.push(value, Escape::Form, names)?;
    }
    Ok(content)
}

fn json(value: &Value, content: &mut Template, names: &mut Names) -> Result<(), BrokenReference> {
    match value {
        Value::String(text) => {
            content.push_text(b"\"");
            content.push(text, Escape::Json, names)?;
            content.push_text(b"\"");
        }
        Value::Array(items) => {
            content.push_text(b"[");
            for (position, item) in items.iter().enumerate() {
                content.push_text(if position > 0 { b"," } else { b"" });
                json(item, content, names)?;
            }
            content.push_text(b"]");
        }
        Value::Object(map) => {
            content.push_text(b"{");
            for (position, (key, item)) in map.iter().enumerate() {
                content.push_text(if position > 0 { b"," } else { b"" });
                // Keys are taken as they are.
                content.push_text(Value::String(key.clone()).to_string().as_bytes());
                content.push_text(b":");
                json(item, content, names)?;
            }
            content.push_text(b"}");
        }
        plain => content.push_text(plain.to_string().as_bytes()),
    }
    Ok(())
}

/// By RFC 7578; names are quoted as browsers do (`"` is `%22`, a line end is left out).
fn multipart(fields: &BTreeMap<String, MultipartField>, names: &mut Names) -> Result<Template, BrokenReference> {
    let mut content = Template::default();
    for (name, field) in fields {
        content.push_text(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"").as_bytes());
        content.push_text(quotable(name).as_bytes());
        match field {
            MultipartField::Value(value) => {
                content.push_text(b"\"\r\n\r\n");
                content.push(value, Escape::None, names)?;
            }
            MultipartField::File(file) => {
                content.push_text(b"\"; filename=\"");
                content.push(&quotable(&file.file_name), Escape::Header, names)?;
                let media_type = file.media_type.as_deref().unwrap_or("application/octet-stream");
                content.push_text(format!("\"\r\nContent-Type: {}\r\n\r\n", quotable(media_type)).as_bytes());
                content.push(&file.content, Escape::None, names)?;
            }
        }
        content.push_text(b"\r\n");
    }
    content.push_text(format!("--{BOUNDARY}--\r\n").as_bytes());
    Ok(content)
}

fn quotable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect::<String>().replace('"', "%22")
}

#[cfg(test)]
mod tests {
    use super::super::template::Values;
    use super::*;
    use crate::core::rollout::MultipartFile;

    fn written(request: &JourneyRequest) -> (String, &'static str) {
        let body = body(request, &mut Names::default()).unwrap().unwrap();
        let values = Values { user: "a \"b\"".into(), ..Values::default() };
        (body.content.text(&values), body.content_type)
    }

    #[test]
    fn a_form_is_encoded() {
        let form = BTreeMap::from([("n&m".to_owned(), "x ${user}=".to_owned()), ("z".to_owned(), String::new())]);
        let request = JourneyRequest { form: Some(form), ..JourneyRequest::default() };
        assert_eq!(written(&request), ("n%26m=x+a+%22b%22%3D&z=".into(), "application/x-www-form-urlencoded"));
    }

    #[test]
    fn json_stays_json() {
        let json = serde_json::json!({ "a": "x${user}", "b\"": [1, true, null, 1.5, []], "c": {} });
        let request = JourneyRequest { json: Some(json), ..JourneyRequest::default() };
        let (text, _) = written(&request);
        let expected = serde_json::json!({ "a": "xa \"b\"", "b\"": [1, true, null, 1.5, []], "c": {} });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn multipart_has_fields_and_files() {
        let file = MultipartFile {
            file_name: "t\"${user}.csv".into(),
            content: "a,b\n".into(),
            media_type: Some("text/csv".into()),
        };
        let fields = BTreeMap::from([
            ("file".to_owned(), MultipartField::File(file)),
            ("note".to_owned(), MultipartField::Value("${user}".into())),
        ]);
        let request = JourneyRequest { multipart: Some(fields), ..JourneyRequest::default() };
        let (text, content_type) = written(&request);
        assert!(content_type.ends_with(BOUNDARY));
        let expected = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t%22a \"b\".csv\"\r\n\
                        Content-Type: text/csv\r\n\r\na,b\n\r\n\
                        --B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\na \"b\"\r\n--B--\r\n";
        assert_eq!(
            text,
            expected.replace("B\r\n", &format!("{BOUNDARY}\r\n")).replace("--B--", &format!("--{BOUNDARY}--"))
        );
    }
}
