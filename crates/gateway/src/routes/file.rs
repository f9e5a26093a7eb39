//! Reading YAML with the lines things stand on, so that whoever wrote them finds them.

use std::fmt;

use marked_yaml::types::MarkedMappingNode;
use marked_yaml::{LoadError, LoaderOptions, Node, Span};

use super::parse::Problem;

/// The document as nodes: a list, as in the strategy, or a mapping.
pub(crate) fn load(text: &str) -> Result<Node, Problem> {
    let options = || LoaderOptions::default().error_on_duplicate_keys(true);
    let loaded = match marked_yaml::parse_yaml_with_options(0, text, options()) {
        Err(LoadError::TopLevelMustBeMapping(_)) => {
            marked_yaml::parse_yaml_with_options(0, text, options().toplevel_sequence())
        }
        loaded => loaded,
    };
    loaded.map_err(|error| unreadable(&error))
}

fn unreadable(error: &LoadError) -> Problem {
    let (line, message) = match error {
        LoadError::TopLevelMustBeMapping(at) | LoadError::TopLevelMustBeSequence(at) => {
            (at.line(), "the file must be a list of routes, or have a list under `routes:`".to_owned())
        }
        LoadError::UnexpectedAnchor(at) => {
            (at.line(), "anchors and aliases are not understood: write it out".to_owned())
        }
        LoadError::UnexpectedTag(at) => (at.line(), "tags are not understood: remove it".to_owned()),
        LoadError::MappingKeyMustBeScalar(at) => (at.line(), "a key must be a word: check the dashes".to_owned()),
        LoadError::DuplicateKey(inner) => {
            let line = line(inner.key.span());
            (line, format!("the key `{}` occurs twice: remove one", inner.key.as_str()))
        }
        LoadError::ScanError(at, cause) => (at.line(), format!("this is no YAML ({cause}): check the indentation")),
    };
    Problem { line, message }
}

/// The line something begins on, or 0 if it is nowhere, as what is missing.
pub(crate) fn line(span: &Span) -> usize {
    span.start().map_or(0, marked_yaml::Marker::line)
}

/// The keys of a mapping, read one after the other; what is left in the end nobody knows.
pub(crate) struct Keys<'a> {
    mapping: &'a MarkedMappingNode,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    pub(crate) fn of(mapping: &'a MarkedMappingNode) -> Self {
        Self { mapping, known: Vec::new() }
    }

    pub(crate) fn line(&self) -> usize {
        line(self.mapping.span())
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'a Node> {
        self.known.push(name);
        self.mapping.get_node(name)
    }

    /// Reports what nobody took.
    pub(crate) fn finish(self, problems: &mut Vec<Problem>) {
        for (key, _) in self.mapping.iter() {
            if !self.known.iter().any(|known| known == &key.as_str()) {
                let known = self.known.join(", ");
                let message = format!("the key `{}` is not known here: use one of {known}", key.as_str());
                problems.push(Problem { line: line(key.span()), message });
            }
        }
    }
}

/// A word or number.
pub(crate) fn text(node: &Node, what: impl fmt::Display) -> Result<&str, Problem> {
    match node.as_scalar().map(|scalar| scalar.as_str().trim()) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Problem {
            line: line(node.span()),
            message: format!("{what} must be one value: write it on this line"),
        }),
    }
}
