//! The `environment:` and `env_file:` of a compose file's services, with its variables filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marked_yaml::types::MarkedMappingNode;
use marked_yaml::{LoaderOptions, Node};

/// What a compose file says of one service.
pub(super) struct Said {
    pub(super) name: String,
    /// Files that stand before its own values.
    pub(super) files: Vec<PathBuf>,
    pub(super) values: BTreeMap<String, String>,
}

/// All services of a compose file. `known` is what its variables may be filled from.
pub(super) fn parse(text: &str, folder: &Path, known: &BTreeMap<String, String>) -> Result<Vec<Said>, String> {
    let options = LoaderOptions::default().error_on_duplicate_keys(true);
    let node = marked_yaml::parse_yaml_with_options(0, text, options).map_err(|error| error.to_string())?;
    let services = node.as_mapping().and_then(|top| top.get_mapping("services"));
    let Some(services) = services else { return Err("it has no services".to_owned()) };
    let mut all = Vec::new();
    for (name, service) in services.iter() {
        let Some(service) = service.as_mapping() else { continue };
        let name = name.as_str().to_owned();
        let mut values = BTreeMap::new();
        for (key, value) in environment(service) {
            // Without a value it is taken from whoever starts compose.
            let value = match value {
                Some(text) => filled(&text, known).map_err(|why| format!("service {name}, {key}: {why}"))?,
                None => known.get(&key).cloned().unwrap_or_default(),
            };
            values.insert(key, value);
        }
        let files = texts(service.get_node("env_file")).into_iter().map(|file| folder.join(file)).collect();
        all.push(Said { name, files, values });
    }
    Ok(all)
}

fn environment(service: &MarkedMappingNode) -> Vec<(String, Option<String>)> {
    match service.get_node("environment") {
        Some(Node::Mapping(values)) => values
            .iter()
            .map(|(key, value)| (key.as_str().to_owned(), value.as_scalar().map(|text| text.as_str().to_owned())))
            .collect(),
        Some(Node::Sequence(values)) => values
            .iter()
            .filter_map(|value| value.as_scalar())
            .map(|text| match text.as_str().split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (text.as_str().to_owned(), None),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn texts(node: Option<&Node>) -> Vec<String> {
    match node {
        Some(Node::Scalar(text)) => vec![text.as_str().to_owned()],
        Some(Node::Sequence(all)) => all
            .iter()
            .filter_map(|one| match one {
                Node::Scalar(text) => Some(text.as_str().to_owned()),
                Node::Mapping(long) => long.get_scalar("path").map(|path| path.as_str().to_owned()),
                Node::Sequence(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// `$NAME`, `${NAME}`, `${NAME:-other}`, `${NAME:?why}` and `$$`, as compose has them.
fn filled(text: &str, known: &BTreeMap<String, String>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let (inner, after) = inner.split_once('}').ok_or("${ is not closed")?;
            let end =
                inner.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(inner.len());
            let (name, how) = inner.split_at(end);
            let value = known.get(name).filter(|value| !value.is_empty() || !how.starts_with(':'));
            match (value, how.trim_start_matches(':')) {
                (Some(value), _) => out.push_str(value),
                (None, how) if how.starts_with('-') => out.push_str(&filled(&how[1..], known)?),
                (None, _) => return Err(format!("{name} is not set in the .env beside it")),
            }
            rest = after;
        } else {
            let end =
                after.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            out.push_str(known.get(name).ok_or_else(|| format!("{name} is not set in the .env beside it"))?);
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{filled, parse};

    #[test]
    fn variables_are_filled_as_compose_does() {
        let known: BTreeMap<_, _> = [("A", "1"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (text, expected) in [
            ("x$A-${A}", "x1-1"),
            ("$$A", "$A"),
            ("${B:-two}", "two"),
            ("${EMPTY:-two}", "two"),
            ("${EMPTY-two}", ""),
            ("${B:-${A}", ""),
        ] {
            match filled(text, &known) {
                Ok(value) => assert_eq!(value, expected, "{text}"),
                Err(why) => assert!(text == "${B:-${A}", "{text}: {why}"),
            }
        }
        assert!(filled("${B}", &known).unwrap_err().contains("B is not set"));
        assert!(filled("${B:?needed}", &known).is_err());
    }

    #[test]
    fn both_forms_of_environment_are_read() {
        let text = "services:\n  a:\n    environment:\n      X: \"1\"\n      Y: 2\n  b:\n    env_file: [b.env]\n    \
            environment:\n      - X=3=4\n      - Z\n  c:\n    image: redis\n";
        let known = [("Z".to_owned(), "zed".to_owned())].into();
        let all = parse(text, Path::new("/srv"), &known).unwrap();
        assert_eq!(all[0].values["X"], "1");
        assert_eq!(all[0].values["Y"], "2");
        assert_eq!(all[1].values["X"], "3=4");
        assert_eq!(all[1].values["Z"], "zed");
        assert_eq!(all[1].files, [Path::new("/srv/b.env")]);
        assert!(all[2].values.is_empty());
        assert!(parse("version: 3", Path::new("/"), &known).is_err());
    }
}
