//! Whether two answers say the same. What the new side shows in addition is none of the old clients' concern; what the old
//! side shows must be there, mean the same, and be of the same type.

use gateway::shadow::compare::{Answer, compare};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::difference::Found;
use super::ids::{Ids, is_uuid};
use super::noise::{self, Circumstances};
use super::scene::Both;

/// What answers are compared with.
pub(super) struct Reading<'a> {
    pub(super) ids: &'a mut Ids,
    pub(super) of: Circumstances<'a>,
    pub(super) secret: &'a [u8],
}

impl Reading<'_> {
    /// The differences. Ids and tokens that both made are learned on the way.
    pub(super) fn compare(&mut self, old: &Answer, new: &Answer) -> Vec<Found> {
        let (mut old, mut new) = (old.clone(), new.clone());
        let json = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).ok();
        if old.status == new.status
            && let (Some(mut before), Some(mut after)) = (json(&old), json(&new))
        {
            self.learn(&before, &after);
            self.align(None, &mut before, &mut after);
            (old.body, new.body) = (before.to_string().into_bytes(), after.to_string().into_bytes());
        }
        let found = compare(&old, &new);
        found
            .into_iter()
            .map(|one| Found {
                field: one.field,
                kind: one.kind.name(),
                key: Vec::new(),
                old: one.legacy.text().unwrap_or(one.legacy.redacted()).to_owned(),
                new: one.platform.text().unwrap_or(one.platform.redacted()).to_owned(),
            })
            .collect()
    }

    /// Ids at the same place stand for each other, if both were made just now.
    fn learn(&mut self, old: &Value, new: &Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                for (name, old) in old {
                    if let Some(new) = new.get(name) {
                        self.learn(old, new);
                    }
                }
            }
            (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                for (old, new) in old.iter().zip(new) {
                    self.learn(old, new);
                }
            }
            (Value::String(old), Value::String(new)) if is_uuid(old) && is_uuid(new) => {
                self.ids.learn(old, new);
            }
            _ => {}
        }
    }

    /// Takes out of both what may differ.
    fn align(&mut self, field: Option<&str>, old: &mut Value, new: &mut Value) {
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                new.retain(|name, _| old.contains_key(name));
                for (name, old) in old {
                    if let Some(new) = new.get_mut(name) {
                        self.align(Some(name), old, new);
                    }
                }
            }
            (Value::Array(old), Value::Array(new)) => {
                for (old, new) in old.iter_mut().zip(new) {
                    self.align(field, old, new);
                }
            }
            (old @ Value::String(_), new @ Value::String(_)) => self.texts(field, old, new),
            _ => {}
        }
    }

    fn texts(&mut self, field: Option<&str>, old: &mut Value, new: &mut Value) {
        let (Value::String(before), Value::String(after)) = (&*old, &*new) else { return };
        let translated = self.ids.translated(before);
        if translated == *after {
            old.clone_from(new);
        } else if field.is_some_and(noise::is_token) {
            if let (Some(before), Some(after)) = (self.claims(before), self.claims(after)) {
                // Claim by claim, so that a difference has a name.
                (*old, *new) = self.aligned(before, after);
            } else if noise::same_form(&Both { old: translated.clone(), new: after.clone() })
                && self.ids.learn(&translated, after)
            {
                old.clone_from(new);
            }
        } else if noise::reason(&translated, after, self.of).is_some() {
            old.clone_from(new);
        } else {
            *old = Value::String(translated);
        }
    }

    fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(self.secret);
        Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
    }

    /// The claims of both without what may differ: ids of each side, and moments as far from the request.
    fn aligned(&mut self, old: Map<String, Value>, new: Map<String, Value>) -> (Value, Value) {
        let (mut old, mut new) = (Value::Object(old), Value::Object(new));
        self.align(None, &mut old, &mut new);
        let (old_sent, new_sent) = self.of.sent;
        for name in ["iat", "exp"] {
            let after = |claims: &Value, sent: jiff::Timestamp| Some(claims[name].as_i64()? - sent.as_second());
            let apart = after(&old, old_sent).zip(after(&new, new_sent)).map(|(old, new)| (old - new).abs());
            if apart.is_some_and(|apart| apart <= APART) {
                old[name] = new[name].clone();
            }
        }
        (old, new)
    }
}

/// How many seconds the times in two tokens may be apart, measured from the request.
const APART: i64 = 3;
