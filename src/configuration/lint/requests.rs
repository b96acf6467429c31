//! One request of a journey: a method, a path, one body, and places in the answer that can be looked up.

use super::context::Context;
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::tree::Node;
use crate::core::rollout::{BuiltIn, Extraction, JourneyRequest, Method, is_variable};

/// Checks one request: as it is written, and what is right of it.
pub fn check(context: &mut Context<'_>, node: &Node, request: &JourneyRequest, place: &str) {
    one_method(context, node, request, place);
    bodies(context, request, place);
    headers(context, request, place);
    extractions(context, request, place);
    for pointer in request.expect.json.keys() {
        json_pointer(context, pointer, &format!("{place}.expect.json"));
    }
}

fn one_method(context: &mut Context<'_>, node: &Node, request: &JourneyRequest, place: &str) {
    let methods = request.methods();
    match methods.as_slice() {
        [(_, key, path)] => legal_path(context, &format!("{place}.{key}"), path),
        // One that is written and wrong is not absent.
        [] if ["get", "post", "put", "delete"].iter().any(|key| !node.lacks(key)) => {}
        [] => {
            let mistake = context
                .at(Code::JourneysMethod, place, "this request says neither what to get nor where to post")
                .help("add `get: /path`, `post: /path`, `put: /path` or `delete: /path`");
            context.report(mistake);
        }
        [_, (_, second, _), ..] => {
            let keys: Vec<&str> = methods.iter().map(|(_, key, _)| *key).collect();
            let mistake = context
                .at(
                    Code::JourneysMethod,
                    &format!("{place}.{second}"),
                    format!("one request is {}", keys.join(" and ")),
                )
                .help("keep one of them, and make another request of the other");
            context.report(mistake);
        }
    }
}

fn legal_path(context: &mut Context<'_>, place: &str, path: &str) {
    // A second `/` would make it the name of another host.
    let legal = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('#')
        && path.chars().all(|character| !character.is_whitespace() && !character.is_control());
    if legal {
        return;
    }
    let mistake = context
        .at(Code::JourneysPath, place, format!("{} is not the path of a page", quoted(path)))
        .because("the host is that of the original or of the copy, whichever is measured")
        .help("write a path such as /account?tab=1, with %20 for a blank");
    context.report(mistake);
}

fn bodies(context: &mut Context<'_>, request: &JourneyRequest, place: &str) {
    let written = [
        ("form", request.form.is_some()),
        ("json", request.json.is_some()),
        ("multipart", request.multipart.is_some()),
    ];
    let bodies: Vec<&str> = written.iter().filter(|(_, is_written)| *is_written).map(|(key, _)| *key).collect();
    let is_get = matches!(request.methods().first(), Some((Method::Get, ..)));
    let (key, message) = match bodies.as_slice() {
        [_, second, ..] => (*second, format!("one request has {} bodies: {}", bodies.len(), bodies.join(" and "))),
        [only] if is_get => (*only, "a GET request has no body".to_owned()),
        _ => return,
    };
    let help = if is_get { "write `post:` instead of `get:`, or put the values into the path" } else { "keep one" };
    let mistake = context.at(Code::JourneysBody, &format!("{place}.{key}"), message).help(help);
    context.report(mistake);
}

/// The generator writes these itself.
const OURS: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "cookie"];

fn headers(context: &mut Context<'_>, request: &JourneyRequest, place: &str) {
    for (name, value) in &request.headers {
        if context.is_full() {
            return;
        }
        let path = format!("{place}.headers.{name}");
        let lower = name.to_ascii_lowercase();
        let mistake = if OURS.contains(&lower.as_str()) {
            context
                .at(Code::JourneysHeader, &path, format!("the header {} is written by `migrate`", quoted(name)))
                .because("every user has a connection and cookies of its own")
                .help("remove it")
        } else if !is_header_name(name) || value.contains(['\r', '\n', '\0']) {
            context
                .at(Code::JourneysHeader, &path, format!("{} is not a header", quoted(name)))
                .because("a name is letters, digits and `-`, and a value is one line")
                .help("write a header such as X-CSRF-Token: ${csrf}")
        } else {
            continue;
        };
        context.report(mistake);
    }
}

/// By RFC 9110, section 5.1.
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn extractions(context: &mut Context<'_>, request: &JourneyRequest, place: &str) {
    for (name, extraction) in &request.extract {
        if context.is_full() {
            return;
        }
        let path = format!("{place}.extract.{name}");
        if BuiltIn::named(name).is_some() || !is_variable(name) {
            let why = if is_variable(name) { "it is built in" } else { "a name is lower-case letters, digits and `_`" };
            let mistake = context
                .at(Code::JourneysVariableName, &path, format!("{} cannot be the name of a value", quoted(name)))
                .because(why)
                .help("write a name such as csrf_token");
            context.report(mistake);
        }
        match extraction {
            Extraction::Json(pointer) => json_pointer(context, pointer, &format!("{path}.json")),
            Extraction::Regex(pattern) => regex(context, pattern, &format!("{path}.regex")),
            Extraction::Header(header) if !is_header_name(header) => {
                let mistake = context
                    .at(Code::JourneysHeader, &format!("{path}.header"), format!("{} is not a header", quoted(header)))
                    .help("write a name such as X-Request-Id");
                context.report(mistake);
            }
            Extraction::Header(_) | Extraction::Cookie(_) => {}
        }
    }
}

fn json_pointer(context: &mut Context<'_>, pointer: &str, place: &str) {
    if pointer.is_empty() || pointer.starts_with('/') {
        return;
    }
    let mistake = context
        .at(Code::JourneysJsonPointer, place, format!("{} is not a JSON pointer", quoted(pointer)))
        .because("a pointer is the keys and positions from the top, each after a `/` (RFC 6901)")
        .help(format!("write /{}", pointer.trim_start_matches("$.").replace('.', "/")));
    context.report(mistake);
}

fn regex(context: &mut Context<'_>, pattern: &str, place: &str) {
    let message = match regex_lite::Regex::new(pattern) {
        Ok(regex) if regex.captures_len() > 1 => return,
        Ok(_) => "this regular expression has no group".to_owned(),
        Err(error) => format!("this is not a regular expression: {error}"),
    };
    let mistake = context
        .at(Code::JourneysRegex, place, message)
        .because("what stands in the first pair of parentheses is the value")
        .help("write one such as name=\"csrf_token\" value=\"([^\"]+)\"");
    context.report(mistake);
}
