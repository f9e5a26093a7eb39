//! Environment files as compose and most loaders read them: `NAME=value`, `export`, quotes, comments.

use std::collections::BTreeMap;

/// Names and values; a line that is none of these is named by its number.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut all = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').ok_or(number)?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(number);
        }
        all.insert(name.to_owned(), unquoted(value.trim()).ok_or(number)?);
    }
    Ok(all)
}

fn unquoted(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.split_once('\'').map(|(inner, _)| inner.to_owned());
    }
    if let Some(rest) = value.strip_prefix('"') {
        let (mut inner, mut letters) = (String::new(), rest.chars());
        loop {
            match letters.next()? {
                '"' => return Some(inner),
                '\\' => match letters.next()? {
                    'n' => inner.push('\n'),
                    other => inner.push(other),
                },
                letter => inner.push(letter),
            }
        }
    }
    // A # begins a comment only behind a space: secrets and URLs may hold one.
    let end = value.find(" #").unwrap_or(value.len());
    Some(value[..end].trim_end().to_owned())
}

/// `NAME=value`, quoted if it must be.
pub(super) fn line(name: &str, value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,=?&~^*[]".contains(&byte);
    if value.bytes().all(plain) {
        format!("{name}={value}\n")
    } else {
        format!("{name}=\"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{line, parse};

    #[test]
    fn lines_of_all_kinds_are_read() {
        let text = "# old\nexport A=1\nB = two words # not this\nC='it # is'\nD=\"say \\\"so\\\"\"\nE=a#b\nF=\n";
        let all = parse(text).unwrap();
        let values: Vec<&str> = all.values().map(String::as_str).collect();
        assert_eq!(values, ["1", "two words", "it # is", "say \"so\"", "a#b", ""]);
        assert_eq!(parse("A=1\nnothing\n"), Err(2));
        assert_eq!(parse("A=\"open\n"), Err(1));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in "\\PC{0,40}") {
            let all = parse(&line("NAME", &value)).unwrap();
            prop_assert_eq!(&all["NAME"], &value);
        }
    }
}
