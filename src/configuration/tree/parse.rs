//! YAML text to located tree. The only module that knows the YAML reader.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as ReaderSpan, StructureStyle};

use super::{Entry, Key, Node, Span, Value, scalar};
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;

/// The grammar nests six deep.
const DEEPEST: usize = 32;
/// The longest real file has a few hundred values.
const MOST_VALUES: usize = 20_000;
/// Nobody reads more, and finding more takes time.
const MOST_MISTAKES: usize = 50;

/// Reads the whole file. What is wrong but does not stop the reader is reported beside the tree, in which it is left
/// out; without a tree, there is at least one error. A mistake of syntax stops the reader: then the tree is what stands
/// before it, and open at its end (see [`Entry::rest`]).
pub fn parse(source: &Source) -> (Option<Node>, Vec<Diagnostic>) {
    let mut builder = Builder { source, stack: Vec::new(), root: None, count: 0, documents: 0, mistakes: Vec::new() };
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let stop = match next {
            Ok((event, place)) => builder.take(event, place),
            Err(error) => Err(syntax(source, &error).into()),
        };
        if let Err(last) = stop {
            let root = match last.code {
                Code::YamlSyntax | Code::YamlTab => builder.close_unfinished(),
                // What the first document lacks may be in the second.
                Code::YamlSeveralDocuments => builder.root.take().map(Node::unfinished),
                _ => None,
            };
            builder.mistakes.push(*last);
            return (root, builder.mistakes);
        }
        if builder.mistakes.len() >= MOST_MISTAKES {
            return (None, builder.mistakes);
        }
    }
    (builder.root, builder.mistakes)
}

/// A list or a map that is not finished.
struct Frame {
    start: Span,
    /// Whether it is written in brackets.
    is_flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: HashMap<String, Span>, key: Option<PendingKey> },
}

/// A key that waits for its value.
enum PendingKey {
    Keep(Key),
    /// Already reported: its value is dropped.
    Drop,
}

struct Builder<'a> {
    source: &'a Source,
    stack: Vec<Frame>,
    root: Option<Node>,
    count: usize,
    documents: usize,
    mistakes: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, place: ReaderSpan) -> Result<(), Box<Diagnostic>> {
        let span = self.span(place);
        let tagged = event.tag().is_some();
        if let Some(tag) = event.tag() {
            let tag_place = place.tag_span().map_or(span, |tag_place| self.span(tag_place));
            let mistake = self.source.error(
                Code::YamlTag,
                tag_place,
                format!("tags such as {} are not used here", quoted(&tag.original())),
            );
            self.mistakes.push(mistake.help("remove it; to make a text of a number, write the number in quotes"));
        }
        match event {
            Event::DocumentStart(..) => self.start_document(span)?,
            Event::Scalar(text, style, _, _) => {
                let value = match style {
                    // A tag asks for another reading than the one that would be checked.
                    _ if tagged => Value::Refused,
                    ScalarStyle::Plain => scalar::resolve(&text),
                    _ => Value::Text(text.into_owned()),
                };
                self.add(Node { span, value })?;
            }
            Event::SequenceStart(style, ..) => self.push(span, style, Content::List(Vec::new()))?,
            Event::MappingStart(style, ..) => {
                self.push(span, style, Content::Map { entries: Vec::new(), seen: HashMap::new(), key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.mistakes.push(alias(self.source, span));
                self.add(Node { span, value: Value::Refused })?;
            }
            Event::Anchor(..) => self.mistakes.push(alias(self.source, span)),
            // Starts and ends of the stream, comments, and whatever a later reader adds beside values.
            _ => {}
        }
        Ok(())
    }

    fn span(&self, place: ReaderSpan) -> Span {
        // Text input always has byte ranges.
        let range = place.byte_range().unwrap_or_default();
        let text = self.source.text().get(range.clone()).unwrap_or_default();
        Span::new(range.start, range.start + text.trim_end().len())
    }

    fn start_document(&mut self, span: Span) -> Result<(), Box<Diagnostic>> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        Err(self
            .source
            .error(Code::YamlSeveralDocuments, span, "a second document starts here")
            .help("keep one document in a file: remove this line, or what follows it")
            .into())
    }

    fn push(&mut self, start: Span, style: StructureStyle, content: Content) -> Result<(), Box<Diagnostic>> {
        self.count_value(start)?;
        self.stack.push(Frame { start, is_flow: style == StructureStyle::Flow, content });
        Ok(())
    }

    /// What was read before the reader stopped. The last value may be a consequence of the mistake, and is refused.
    fn close_unfinished(&mut self) -> Option<Node> {
        // In an open bracket, what was read may belong behind the bracket that is missing.
        if let Some(open) = self.stack.iter().position(|frame| frame.is_flow) {
            self.stack.truncate(open);
        }
        match self.stack.last_mut().map(|frame| &mut frame.content)? {
            Content::List(items) => items.last_mut().into_iter().for_each(|item| item.value = Value::Refused),
            Content::Map { entries, key, .. } => match key.take() {
                Some(PendingKey::Keep(key)) => {
                    let unread = Span::new(key.span.end as usize, self.source.text().len());
                    entries.push(key.with(Node { span: unread, value: Value::Refused }));
                }
                Some(PendingKey::Drop) => {}
                None => entries.last_mut().into_iter().for_each(|entry| entry.value.value = Value::Refused),
            },
        }
        while let Some(frame) = self.stack.last_mut() {
            let start = frame.start;
            match &mut frame.content {
                Content::List(items) => {
                    let end = items.last().map_or(start, |item| item.span).after();
                    items.push(Node { span: end, value: Value::Refused });
                }
                Content::Map { entries, .. } => {
                    let end = entries.last().map_or(start, |entry| entry.value.span).after();
                    entries.push(Entry::rest(end));
                }
            }
            self.pop(start);
        }
        self.root.take()
    }

    fn pop(&mut self, end: Span) {
        let Some(frame) = self.stack.pop() else { return };
        let node = match frame.content {
            Content::List(items) => {
                let last = items.last().map_or(frame.start, |item| item.span);
                Node { span: frame.start.to(last).to(flow_end(end, last)), value: Value::List(items) }
            }
            Content::Map { entries, .. } => {
                let last = entries.last().map_or(frame.start, |entry| entry.value.span);
                Node { span: frame.start.to(last).to(flow_end(end, last)), value: Value::Map(entries) }
            }
        };
        self.place(node);
    }

    fn add(&mut self, node: Node) -> Result<(), Box<Diagnostic>> {
        self.count_value(node.span)?;
        self.place(node);
        Ok(())
    }

    fn count_value(&mut self, span: Span) -> Result<(), Box<Diagnostic>> {
        self.count += 1;
        if self.count <= MOST_VALUES {
            return Ok(());
        }
        Err(self
            .source
            .error(Code::YamlTooLong, span, format!("the file has more than {MOST_VALUES} values"))
            .because("a rollout or a phase has a few hundred; this is probably another file")
            .into())
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, mut node: Node) {
        let source = self.source;
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, seen, key }) => match key.take() {
                None => {
                    let (pending, mistake) = read_key(source, seen, &node);
                    *key = Some(pending);
                    self.mistakes.extend(mistake);
                }
                Some(PendingKey::Drop) => {}
                Some(PendingKey::Keep(key)) => {
                    if node.value == Value::Null && source.slice(node.span).trim().is_empty() {
                        // The reader places an empty value at the next token, which may be lines below.
                        node.span = key.span;
                    }
                    entries.push(Entry { key, value: node });
                }
            },
        }
    }
}

/// `]` or `}`; the end of a block collection is wherever the next token is, which says nothing.
fn flow_end(end: Span, fallback: Span) -> Span {
    if end.end > end.start { end } else { fallback }
}

fn read_key(source: &Source, seen: &mut HashMap<String, Span>, node: &Node) -> (PendingKey, Option<Diagnostic>) {
    let text = match &node.value {
        Value::Text(text) => text.clone(),
        Value::Refused => return (PendingKey::Drop, None),
        Value::Bool(_) | Value::Number(_) => {
            let written = source.slice(node.span);
            let mistake = source
                .error(Code::YamlKeyNotText, node.span, format!("the key {} is not text", quoted(written)))
                .help(format!("keys are words; if this one is meant, write it in quotes: \"{written}\""));
            return (PendingKey::Drop, Some(mistake));
        }
        Value::Null | Value::List(_) | Value::Map(_) => {
            let mistake = source.error(Code::YamlKeyNotText, node.span, "this key is not text").help("keys are words");
            return (PendingKey::Drop, Some(mistake));
        }
    };
    match seen.get(&text) {
        Some(first) => {
            let line = source.line_of(first.start);
            let mistake = source
                .error(Code::YamlDuplicateKey, node.span, format!("{} is written twice", quoted(&text)))
                .because(format!("it is already on line {line}, and only one of the two could count"))
                .help("remove one of the two");
            (PendingKey::Drop, Some(mistake))
        }
        None => {
            seen.insert(text.clone(), node.span);
            (PendingKey::Keep(Key { span: node.span, text }), None)
        }
    }
}

fn alias(source: &Source, span: Span) -> Diagnostic {
    let what = if source.slice(span).starts_with('&') { "an anchor" } else { "an alias" };
    source
        .error(
            Code::YamlAlias,
            span,
            format!("{} is {what} of YAML, and those are not used here", quoted(source.slice(span))),
        )
        .because("every value is read where it is written, and a few aliases can stand for gigabytes")
        .help("write the value out; a text that starts with `&` or `*` is written in quotes")
}

fn syntax(source: &Source, error: &ScanError) -> Diagnostic {
    let marker = error.marker();
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let span = source.span_at(narrow(marker.line()), narrow(marker.col() + 1));
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => source
            .error(Code::YamlTooDeep, span, format!("values are nested more than {DEEPEST} deep"))
            .because("the grammar nests six deep; this is probably another file"),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            let tab = tab_from(source, span).unwrap_or(span);
            source.error(Code::YamlTab, tab, "a tab where YAML wants spaces").help("indent with spaces")
        }
        ErrorKind::DirectiveDisallowed => {
            source.error(Code::YamlSyntax, span, "YAML directives (`%…`) are not used here").help("remove this line")
        }
        kind => {
            let diagnostic = source.error(Code::YamlSyntax, span, format!("this is not YAML: {kind}"));
            match advice(kind) {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        }
    }
}

/// The reader names the value before the tab; the tab is in the indentation of a line from there on.
fn tab_from(source: &Source, span: Span) -> Option<Span> {
    let start = source.text().get(..span.start as usize)?.rfind('\n').map_or(0, |line_break| line_break + 1);
    let mut offset = start;
    for line in source.text().get(start..)?.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start().len();
        if let Some(tab) = line.get(..indentation).and_then(|blank| blank.find('\t')) {
            return Some(Span::new(offset + tab, offset + tab + 1));
        }
        offset += line.len();
    }
    None
}

/// What usually causes an error of the reader.
fn advice(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => {
            "a value that holds `: ` is written in quotes; otherwise look at the indentation of this line"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => "a `:` after the key is missing",
        ErrorKind::UnclosedQuotedScalar => "close the quote, on the same line",
        ErrorKind::UnexpectedCharacter { .. } => "write the value in quotes",
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "close every `{` with `}` and every `[` with `]`"
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            "keys of one map start in the same column: look at the indentation of this line"
        }
        ErrorKind::UnknownQuotedScalarEscape => "use single quotes, in which `\\` means itself",
        _ => return None,
    })
}
