//! The words that people are told things in: built in for each kind of event, and each tenant's own where it has some.
//!
//! An event is never lost to a tenant's template: one that cannot be filled in is passed over for the built-in one.
//! Templates make plain text; [`layout`] makes pages of it.

mod built_in;
mod engine;
mod grammar;
mod layout;
mod locale;
#[cfg(test)]
mod tests;

use db::TenantTx;
use jiff::Timestamp;
use kernel::TenantId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::{Override, Part, Parts};
use crate::ports::Addressee;
use crate::{NotificationError, store};

pub(crate) use built_in::{KINDS, Kind, LOCALES, kind};
pub(crate) use engine::Fault;
pub(crate) use locale::parse as parse_locale;

/// The column's length.
const LONGEST_TITLE: usize = 500;
/// As `POST /notifications` has it.
const LONGEST_MESSAGE: usize = 10_000;
/// What mail programs show of it is far less.
const LONGEST_SUBJECT: usize = 250;

/// What stands in a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) title: String,
    pub(crate) message: String,
}

/// What is sent by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// The words for one kind of event in one tenant, in all languages.
#[derive(Debug)]
pub(crate) struct Texts {
    kind: String,
    tenant: TenantId,
    overrides: Vec<Override>,
}

impl Texts {
    /// Those of the transaction's tenant.
    pub(crate) async fn load(tx: &TenantTx, kind: &str) -> Result<Self, NotificationError> {
        let overrides = store::templates::of_kind(tx, kind).await?;
        Ok(Self { kind: kind.to_owned(), tenant: tx.tenant(), overrides })
    }

    /// Those of a tenant whose own words are `overrides`.
    pub(crate) fn new(kind: &str, tenant: TenantId, overrides: Vec<Override>) -> Self {
        Self { kind: kind.to_owned(), tenant, overrides }
    }

    /// What stands in the feed of somebody who reads `locale`.
    pub(crate) fn feed(&self, locale: &str, vars: &Value) -> Feed {
        let vars = self.complete(vars);
        let title = self.say(locale, &[Part::Title, Part::Subject], &vars).1;
        let message = self.say(locale, &[Part::Message, Part::Body], &vars).1;
        Feed { title: line(&title, LONGEST_TITLE), message: cut(&message, LONGEST_MESSAGE) }
    }

    /// The same as a mail.
    pub(crate) fn mail(&self, locale: &str, vars: &Value) -> Mail {
        let vars = self.complete(vars);
        let (_, subject) = self.say(locale, &[Part::Subject, Part::Title], &vars);
        let (language, text) = self.say(locale, &[Part::Body, Part::Message], &vars);
        let subject = line(&subject, LONGEST_SUBJECT);
        let html = layout::page(&language, &subject, &text);
        Mail { subject, text, html }
    }

    /// Every variable that templates know by the same name whatever the event.
    fn complete(&self, vars: &Value) -> Value {
        let mut all = vars.as_object().cloned().unwrap_or_default();
        all.insert("tenant".to_owned(), json!({ "id": self.tenant }));
        Value::Object(all)
    }

    /// The first of `parts` that there are words for, filled in, and its language. The reader's language comes before
    /// the part: a title in it is a better subject than a subject in another.
    fn say(&self, locale: &str, parts: &[Part], vars: &Value) -> (String, String) {
        let built_in = kind(&self.kind);
        for languages in [locale::candidates(locale), vec![LOCALES[0].to_owned()]] {
            for part in parts {
                for language in &languages {
                    let own = self.overrides.iter().find(|own| own.locale == *language);
                    if let Some(source) = own.and_then(|own| own.parts.get(*part)) {
                        match fill(*part, source, vars) {
                            Ok(text) => return (language.clone(), text),
                            Err(fault) => {
                                let (kind, tenant_id) = (&self.kind, self.tenant);
                                tracing::warn!(kind, %tenant_id, language, ?part, %fault, "a tenant's template failed");
                            }
                        }
                    }
                }
                for language in &languages {
                    if let Some(source) = built_in.and_then(|kind| kind.parts(language)?.take(*part)) {
                        let text = fill(*part, &source, vars).unwrap_or_else(|fault| {
                            tracing::error!(kind = self.kind, language, ?part, %fault, "a built-in template failed");
                            tidy(&fault.written)
                        });
                        return (language.clone(), text);
                    }
                }
            }
        }
        // A kind without words: its name says more than nothing.
        (LOCALES[0].to_owned(), self.kind.clone())
    }
}

/// Fills one part in. What comes out blank where something must stand is a fault too.
pub(crate) fn fill(part: Part, source: &str, vars: &Value) -> Result<String, Fault> {
    let text = tidy(&engine::fill(source, vars)?);
    if matches!(part, Part::Title | Part::Subject) && text.is_empty() {
        return Err(Fault { line: None, reason: "it makes an empty text".to_owned(), written: String::new() });
    }
    Ok(text)
}

/// Whether `parts` can be filled in, with `vars`.
pub(crate) fn try_out(parts: &Parts, vars: &Value) -> Result<(), NotificationError> {
    for (part, source) in parts.present() {
        fill(part, source, vars).map_err(|fault| NotificationError::invalid(part.name(), fault.to_string()))?;
    }
    Ok(())
}

/// What templates of one person's news can name.
pub(crate) fn vars(data: &Map<String, Value>, person: &Addressee, now: Timestamp) -> Value {
    let mut vars = data.clone();
    let Addressee { email, first_name, last_name, display_name, .. } = person;
    let user =
        json!({ "first_name": first_name, "last_name": last_name, "display_name": display_name, "email": email });
    vars.insert("user".to_owned(), user);
    vars.insert("now".to_owned(), json!(now));
    Value::Object(vars)
}

/// Without what neither a database nor a mail can hold, and without gaps that tags left behind.
fn tidy(text: &str) -> String {
    let kept = text.chars().map(|character| if character == '\t' { ' ' } else { character });
    let kept: String = kept.filter(|&character| character == '\n' || !character.is_control()).collect();
    let mut tidy = String::with_capacity(kept.len());
    let mut gap = false;
    for line in kept.lines().map(str::trim_end) {
        if line.is_empty() {
            gap = true;
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(if gap { "\n\n" } else { "\n" });
        }
        gap = false;
        tidy.push_str(line);
    }
    tidy
}

/// One line of at most so many characters.
fn line(text: &str, most: usize) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
