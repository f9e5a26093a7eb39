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
            (Value::String(old), Value::String(new)) => {
                *old = self.ids.translated(old);
                let token = field.is_some_and(noise::is_token) && self.same_token(old, new);
                if old != new && (token || noise::reason(old, new, self.of).is_some()) {
                    old.clone_from(new);
                }
            }
            _ => {}
        }
    }

    fn same_token(&mut self, old: &str, new: &str) -> bool {
        if old.contains('.') || new.contains('.') {
            let (Some(old), Some(new)) = (self.claims(old), self.claims(new)) else { return false };
            return self.same_claims(&old, &new);
        }
        let both = Both { old: old.to_owned(), new: new.to_owned() };
        noise::same_form(&both) && self.ids.learn(old, new)
    }

    fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(self.secret);
        Some(jsonwebtoken::decode(token, &key, &validation).ok()?.claims)
    }

    /// Every claim of the old side's token is in the new side's, means the same, and ends as long after the request.
    fn same_claims(&self, old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
        let (old_sent, new_sent) = self.of.sent;
        old.iter().all(|(name, old)| match (old, new.get(name)) {
            (Value::String(old), Some(Value::String(new))) => self.ids.translated(old) == *new,
            (Value::Number(old), Some(Value::Number(new))) if name == "iat" || name == "exp" => {
                let after = |at: &serde_json::Number, sent: jiff::Timestamp| Some(at.as_i64()? - sent.as_second());
                let apart = after(old, old_sent).zip(after(new, new_sent)).map(|(old, new)| (old - new).abs());
                apart.is_some_and(|apart| apart <= 3)
            }
            (old, new) => new == Some(old),
        })
    }
}
