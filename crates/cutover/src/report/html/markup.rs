//! Writes HTML and SVG. Names of elements and attributes are part of the program; everything else is escaped here, and
//! there is no way around it.

use std::fmt::{Display, Write as _};

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

/// Attributes: names that the program knows, values that may come from anywhere.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

impl Markup {
    /// Begins an element.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.0, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.0, " {key}=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// Ends one.
    pub(super) fn close(&mut self, name: &'static str) {
        let _ = writeln!(self.0, "</{name}>");
    }

    /// Text, escaped.
    pub(super) fn text(&mut self, text: impl Display) {
        let _ = write!(Escaped(&mut self.0), "{text}");
    }

    /// An element with text in it.
    pub(super) fn element(&mut self, name: &'static str, attributes: Attributes<'_>, text: impl Display) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// An element with others in it.
    pub(super) fn within(&mut self, name: &'static str, attributes: Attributes<'_>, inner: impl FnOnce(&mut Self)) {
        self.open(name, attributes);
        inner(self);
        self.close(name);
    }

    /// A part of the program, as it is: the style sheet.
    pub(super) fn verbatim(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

struct Escaped<'a>(&'a mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // No text says anything with these, and documents may not contain them.
                '\t' | '\n' | '\r' => self.0.push(letter),
                control if control.is_control() => self.0.push('\u{fffd}'),
                // They turn what follows around, so that it reads as something else.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Markup;

    #[test]
    fn everything_that_is_not_the_programs_is_escaped() {
        let mut page = Markup::default();
        page.element("p", &[("title", &"\"><script>x</script>")], "<b>&'\u{0}\u{202e}");
        assert_eq!(
            page.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;x&lt;/script&gt;\">&lt;b&gt;&amp;&#39;\u{fffd}\u{fffd}</p>\n"
        );
    }
}
