//! Journeys, compiled: everything that is the same for every user is worked out once.

use regex_lite::Regex;

use super::body::{Body, body};
use super::template::{Escape, Names, Template, Values};
use crate::core::rollout::{Extraction, IDENTITY, Journey, JourneyRequest, Method};
use crate::core::{Failure, rollout::BrokenReference};
use crate::ports::LoadTarget;

/// All journeys against one target.
#[derive(Debug)]
pub(super) struct Script {
    pub journeys: Vec<CompiledJourney>,
    /// The sum of the weights.
    pub weight: u32,
    /// What each request is called in results, by its number.
    pub titles: Vec<String>,
    pub site: Site,
}

/// What a target is to a browser.
#[derive(Debug)]
pub(super) struct Site {
    /// The host without its port, for cookies.
    pub host: String,
    /// The host as it is written in requests and in redirects.
    pub authority: String,
    pub is_secure: bool,
}

impl Site {
    pub fn of(target: &LoadTarget) -> Self {
        let authority = target.host();
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host).to_owned();
        let is_secure = matches!(target.security, crate::ports::TransportSecurity::Tls { .. });
        Self { host, authority, is_secure }
    }
}

#[derive(Debug)]
pub(super) struct CompiledJourney {
    pub weight: u32,
    pub variables: usize,
    pub requests: Vec<CompiledRequest>,
}

#[derive(Debug)]
pub(super) struct CompiledRequest {
    /// Its number among all requests of all journeys.
    pub number: usize,
    pub method: Method,
    path: Template,
    /// `Host` and every header that is the same for every user, each with its line end.
    constant: Vec<u8>,
    headers: Vec<(String, Template)>,
    body: Option<Body>,
    pub extract: Vec<CompiledExtraction>,
    pub expect: CompiledExpectations,
    pub think: std::time::Duration,
}

#[derive(Debug)]
pub(super) struct CompiledExtraction {
    pub name: String,
    pub place: usize,
    pub from: Source,
    pub is_identity: bool,
}

#[derive(Debug)]
pub(super) enum Source {
    Regex(Regex),
    Json(String),
    Header(String),
    Cookie(String),
}

#[derive(Debug)]
pub(super) struct CompiledExpectations {
    pub status: Option<u16>,
    pub body_contains: Option<Template>,
    pub header: Vec<(String, Template)>,
    pub json: Vec<(String, ExpectedJson)>,
}

#[derive(Debug)]
pub(super) enum ExpectedJson {
    /// The same value.
    Same(serde_json::Value),
    /// A text, or a number that reads like it.
    Text(Template),
}

impl CompiledRequest {
    /// Whether anybody looks at the body.
    pub fn needs_body(&self) -> bool {
        self.expect.body_contains.is_some()
            || !self.expect.json.is_empty()
            || self.extract.iter().any(|extraction| matches!(extraction.from, Source::Regex(_) | Source::Json(_)))
    }

    /// Whether anybody looks at the headers.
    pub fn needs_headers(&self) -> bool {
        !self.expect.header.is_empty()
            || self.extract.iter().any(|extraction| matches!(extraction.from, Source::Header(_)))
    }

    /// Whether a redirect is what is expected, and so not followed.
    pub fn expects_redirect(&self) -> bool {
        self.expect.status.is_some_and(|status| (300..400).contains(&status))
    }

    /// Writes the path.
    pub fn write_path(&self, values: &Values, out: &mut Vec<u8>) {
        self.path.write(values, out);
    }

    /// Writes the headers, without cookies, the body's own and the blank line.
    pub fn write_headers(&self, values: &Values, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.constant);
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            value.write(values, out);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes the body, and gives its media type.
    pub fn write_body(&self, values: &Values, out: &mut Vec<u8>) -> Option<&'static str> {
        let body = self.body.as_ref()?;
        body.content.write(values, out);
        Some(body.content_type)
    }
}

/// Compiles journeys for a target.
///
/// # Errors
/// `Permanent` when a journey cannot be sent as it is written; `migrate check` says where.
pub(super) fn compile(journeys: &[Journey], target: &LoadTarget) -> Result<Script, Failure> {
    let mut script = Script { journeys: Vec::new(), weight: 0, titles: Vec::new(), site: Site::of(target) };
    for journey in journeys {
        let wrong = |why: String| {
            Failure::permanent(format!("journey `{}`: {why}", journey.name)).hint("run `migrate check`: it says where")
        };
        let mut names = Names::default();
        let mut requests = Vec::new();
        for request in &journey.requests {
            let compiled = compile_request(request, script.titles.len(), &script.site, &mut names).map_err(&wrong)?;
            script.titles.push(format!("{}/{}", journey.name, request.title()));
            requests.push(compiled);
        }
        if requests.is_empty() {
            return Err(wrong("there are no requests in it".into()));
        }
        script.weight = script.weight.saturating_add(journey.weight.max(1));
        let variables = names.count();
        script.journeys.push(CompiledJourney { weight: journey.weight.max(1), variables, requests });
    }
    if script.journeys.is_empty() {
        return Err(Failure::permanent("there are no user journeys").hint("add `journeys:` to rollout.yaml"));
    }
    Ok(script)
}

/// Compiles one request, which has this number among all. The names are those of its journey so far.
pub(super) fn compile_request(
    request: &JourneyRequest,
    number: usize,
    site: &Site,
    names: &mut Names,
) -> Result<CompiledRequest, String> {
    let [(method, _, path)] = request.methods()[..] else {
        return Err(format!("request {} has not exactly one method", number + 1));
    };
    if !path.starts_with('/') {
        return Err(format!("`{path}` is not a path"));
    }
    let text = |broken: BrokenReference| broken.to_string();
    let path = Template::of(path, Escape::Path, names).map_err(text)?;
    let mut constant = format!("Host: {}\r\nUser-Agent: migrate\r\nAccept: */*\r\n", site.authority).into_bytes();
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let template = Template::of(value, Escape::Header, names).map_err(text)?;
        if template.varies() {
            headers.push((name.clone(), template));
        } else {
            constant.extend_from_slice(format!("{name}: {}\r\n", template.text(&Values::default())).as_bytes());
        }
    }
    let body = body(request, names).map_err(text)?;
    let extract = request
        .extract
        .iter()
        .map(|(name, extraction)| {
            let from = match extraction {
                Extraction::Regex(pattern) => Source::Regex(Regex::new(pattern).map_err(|error| error.to_string())?),
                Extraction::Json(pointer) => Source::Json(pointer.clone()),
                Extraction::Header(header) => Source::Header(header.clone()),
                Extraction::Cookie(cookie) => Source::Cookie(cookie.clone()),
            };
            let place = names.place(name);
            Ok(CompiledExtraction { name: name.clone(), place, from, is_identity: name == IDENTITY })
        })
        .collect::<Result<_, String>>()?;
    let expect = compile_expectations(request, names).map_err(text)?;
    let think = request.think.map(crate::core::rollout::HumanDuration::get).unwrap_or_default();
    Ok(CompiledRequest { number, method, path, constant, headers, body, extract, expect, think })
}

fn compile_expectations(request: &JourneyRequest, names: &mut Names) -> Result<CompiledExpectations, BrokenReference> {
    let expect = &request.expect;
    let mut header = Vec::new();
    for (name, text) in &expect.header {
        header.push((name.clone(), Template::of(text, Escape::None, names)?));
    }
    let mut json = Vec::new();
    for (pointer, value) in &expect.json {
        let expected = match value {
            serde_json::Value::String(text) => {
                let template = Template::of(text, Escape::None, names)?;
                if template.varies() { ExpectedJson::Text(template) } else { ExpectedJson::Same(value.clone()) }
            }
            other => ExpectedJson::Same(other.clone()),
        };
        json.push((pointer.clone(), expected));
    }
    let body_contains = match &expect.body_contains {
        Some(text) => Some(Template::of(text, Escape::None, names)?),
        None => None,
    };
    Ok(CompiledExpectations { status: expect.status, body_contains, header, json })
}
