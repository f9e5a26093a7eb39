//! The page that a mail's plain text is shown in by programs that show pages. Texts are never HTML themselves, whoever
//! wrote them: everything is escaped here, in one place.

use serde_json::{Value, json};

use super::engine::fill_page;

const LAYOUT: &str = include_str!("layout.html");

/// `text` as a page.
pub(super) fn page(locale: &str, subject: &str, text: &str) -> String {
    let paragraphs: Vec<Value> = text.split("\n\n").map(paragraph).collect();
    let vars = json!({ "locale": locale, "subject": subject, "paragraphs": paragraphs });
    // The layout is the program's own, and a test fills it in; what was written is better than no mail.
    fill_page(LAYOUT, &vars).unwrap_or_else(|fault| {
        tracing::error!(%fault, "a mail's page could not be made");
        fault.written
    })
}

/// A paragraph that is an address and nothing else can be followed.
fn paragraph(text: &str) -> Value {
    let is_address = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
    if is_address && !text.contains(char::is_whitespace) {
        json!({ "link": text })
    } else {
        json!({ "lines": text.lines().collect::<Vec<_>>() })
    }
}
