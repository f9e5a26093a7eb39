//! Two answers to the same read, field by field. Pure.
//!
//! A field has a path such as `$.users[].name`: no indexes, and `{id}` in the place of ids, so that one difference has one
//! name however often it occurs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sample::Sample;

/// Whoever differs in everything has been understood by then.
const MOST: usize = 200;

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The status code.
    Status,
    /// The media type; what stands behind it does not count.
    ContentType,
    /// The bytes, as it is no JSON on at least one side.
    Body,
    /// One is a number and the other a text, or null, or an object.
    Type,
    /// The value.
    Value,
    /// The old side has it and the new one does not.
    Missing,
    /// The new side has it and the old one does not.
    Extra,
    /// How many items a list has.
    Length,
    /// The same items in another order.
    Order,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::ContentType,
        Self::Body,
        Self::Type,
        Self::Value,
        Self::Missing,
        Self::Extra,
        Self::Length,
        Self::Order,
    ];

    /// As it is written in files and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::ContentType => "content_type",
            Self::Body => "body",
            Self::Type => "type",
            Self::Value => "value",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Length => "length",
            Self::Order => "order",
        }
    }

    /// The same as noise: of two answers of one side none is the new one.
    pub(super) fn of_noise(self) -> Self {
        if self == Self::Extra { Self::Missing } else { self }
    }
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Where: `status`, `content-type` or a path in the body.
    pub field: String,
    /// What.
    pub kind: Kind,
    /// What the old side has there.
    pub legacy: Sample,
    /// What the new side has there.
    pub platform: Sample,
    /// When the object around it was changed, if the new side's `updated_at` is later than the old one's: then the old side
    /// may have answered from a cache.
    pub changed_at: Option<Timestamp>,
}

/// How the answers of the old and the new side differ; each field and kind once.
pub fn compare(legacy: &Answer, platform: &Answer) -> Vec<Difference> {
    let mut found = Found::default();
    if legacy.status != platform.status {
        found.add("status", Kind::Status, Sample::shown(legacy.status), Sample::shown(platform.status));
        // The body of an error has nothing in common with that of a success.
        return found.differences;
    }
    let media = |answer: &Answer| {
        let media = answer.content_type.as_deref()?.split(';').next()?.trim().to_ascii_lowercase();
        (!media.is_empty()).then_some(media)
    };
    let (one, other) = (media(legacy), media(platform));
    if one != other {
        let sample = |media: Option<String>| media.map_or_else(Sample::nothing, Sample::shown);
        found.add("content-type", Kind::ContentType, sample(one), sample(other));
    }
    match (serde_json::from_slice(&legacy.body), serde_json::from_slice(&platform.body)) {
        (Ok(legacy), Ok(platform)) => found.values(&mut "$".to_owned(), &legacy, &platform),
        _ if legacy.body == platform.body => {}
        _ => found.add("$", Kind::Body, Sample::bytes(&legacy.body), Sample::bytes(&platform.body)),
    }
    found.differences
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
    known: BTreeMap<(String, Kind), usize>,
    /// Of the object that is looked at.
    changed_at: Option<Timestamp>,
}

impl Found {
    fn add(&mut self, field: &str, kind: Kind, legacy: Sample, platform: Sample) {
        let difference = Difference { field: field.to_owned(), kind, legacy, platform, changed_at: self.changed_at };
        match self.known.get(&(field.to_owned(), kind)) {
            // Of many the one that a cache excuses least.
            Some(&at) => {
                if let Some(known) = self.differences.get_mut(at)
                    && known.changed_at > difference.changed_at
                {
                    *known = difference;
                }
            }
            None if self.differences.len() < MOST => {
                self.known.insert((field.to_owned(), kind), self.differences.len());
                self.differences.push(difference);
            }
            None => {}
        }
    }

    fn at(&mut self, path: &str, kind: Kind, legacy: Option<&Value>, platform: Option<&Value>) {
        let sample = |value: Option<&Value>| value.map_or_else(Sample::nothing, |value| Sample::of(path, value));
        self.add(path, kind, sample(legacy), sample(platform));
    }

    fn values(&mut self, path: &mut String, legacy: &Value, platform: &Value) {
        match (legacy, platform) {
            (Value::Object(one), Value::Object(other)) => {
                let around = self.changed_at;
                if let (Some(before), Some(after)) = (updated_at(legacy), updated_at(platform)) {
                    self.changed_at = (after > before).then_some(after);
                }
                let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for key in keys {
                    let length = path.len();
                    path.push('.');
                    path.push_str(if is_id(key) { "{id}" } else { key });
                    match (one.get(key), other.get(key)) {
                        (Some(one), Some(other)) => self.values(path, one, other),
                        (one @ Some(_), None) => self.at(path, Kind::Missing, one, None),
                        (None, other) => self.at(path, Kind::Extra, None, other),
                    }
                    path.truncate(length);
                }
                self.changed_at = around;
            }
            (Value::Array(one), Value::Array(other)) => {
                let length = path.len();
                path.push_str("[]");
                self.lists(path, one, other);
                path.truncate(length);
            }
            _ if is_same(legacy, platform) => {}
            _ if kind_of(legacy) == kind_of(platform) => self.at(path, Kind::Value, Some(legacy), Some(platform)),
            _ => self.at(path, Kind::Type, Some(legacy), Some(platform)),
        }
    }

    fn lists(&mut self, path: &mut String, legacy: &[Value], platform: &[Value]) {
        let by_either = |key| Some((key, by_id(legacy, key)?, by_id(platform, key)?));
        if let Some((key, one, other)) = IDS.into_iter().find_map(by_either) {
            for (id, item) in &one {
                match other.get(id) {
                    Some(same) => self.values(path, item, same),
                    None => self.at(path, Kind::Missing, Some(item), None),
                }
            }
            for (id, item) in &other {
                if !one.contains_key(id) {
                    let around = std::mem::replace(&mut self.changed_at, updated_at(item));
                    self.at(path, Kind::Extra, None, Some(item));
                    self.changed_at = around;
                }
            }
            let ids = |list: &[Value], known: &BTreeMap<String, &Value>| -> Vec<String> {
                list.iter().filter_map(|item| id_of(item, key)).filter(|id| known.contains_key(id)).collect()
            };
            if ids(legacy, &other) != ids(platform, &one) {
                self.add(path, Kind::Order, Sample::list(legacy), Sample::list(platform));
            }
            return;
        }
        if legacy.len() != platform.len() {
            self.add(path, Kind::Length, Sample::list(legacy), Sample::list(platform));
        } else if legacy.iter().zip(platform).any(|(one, other)| !is_same(one, other)) && is_shuffled(legacy, platform)
        {
            self.add(path, Kind::Order, Sample::list(legacy), Sample::list(platform));
            return;
        }
        for (one, other) in legacy.iter().zip(platform) {
            self.values(path, one, other);
        }
    }
}

fn updated_at(object: &Value) -> Option<Timestamp> {
    object.get("updated_at")?.as_str()?.parse().ok()
}

/// Numbers by their value, as those who read JSON see them: `1.0` is `1`.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => a.as_f64() == b.as_f64(),
        _ => one == other,
    }
}

/// Keys of maps from ids, or from people's addresses, to something; `line2` is a name.
fn is_id(key: &str) -> bool {
    if key.contains('@') || key.len() > 64 {
        return true;
    }
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && (digits == key.len() || (key.len() >= 16 && key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')))
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// What tells the items of a list apart, on both sides: members of the old services have no id of their own.
const IDS: [&str; 2] = ["id", "user_id"];

fn id_of(item: &Value, key: &str) -> Option<String> {
    match item.get(key)? {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The items by their ids, if each has one of its own.
fn by_id<'a>(list: &'a [Value], key: &str) -> Option<BTreeMap<String, &'a Value>> {
    let mut items = BTreeMap::new();
    for item in list {
        if items.insert(id_of(item, key)?, item).is_some() {
            return None;
        }
    }
    (!items.is_empty()).then_some(items)
}

fn is_shuffled(one: &[Value], other: &[Value]) -> bool {
    let sorted = |list: &[Value]| {
        let mut texts: Vec<String> = list.iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Answer, Kind, compare};

    fn answer(body: &Value) -> Answer {
        let content_type = Some("application/json; charset=utf-8".to_owned());
        Answer { status: 200, content_type, body: body.to_string().into_bytes() }
    }

    fn found(one: &Value, other: &Value) -> Vec<(String, Kind)> {
        compare(&answer(one), &answer(other)).into_iter().map(|one| (one.field, one.kind)).collect()
    }

    #[test]
    fn differences_have_a_field_and_a_kind() {
        let uuid = "0199c0de-0000-7000-8000-000000000001";
        for (one, other, field, kind) in [
            (json!({"a": 1}), json!({"a": 2}), "$.a", Kind::Value),
            (json!({"a": 1}), json!({"a": "1"}), "$.a", Kind::Type),
            (json!({"a": null}), json!({"a": ""}), "$.a", Kind::Type),
            (json!({"a": null}), json!({}), "$.a", Kind::Missing),
            (json!({}), json!({"a": 0}), "$.a", Kind::Extra),
            (json!([1, 2]), json!([1, 2, 3]), "$[]", Kind::Length),
            (json!([1, 2]), json!([2, 1]), "$[]", Kind::Order),
            (json!([{"id": 1, "x": 1}]), json!([{"id": 1, "x": 2}]), "$[].x", Kind::Value),
            (json!([{"id": 1}, {"id": 2}]), json!([{"id": 2}, {"id": 1}]), "$[]", Kind::Order),
            (json!([{"id": 1}, {"id": 2}]), json!([{"id": 2}]), "$[]", Kind::Missing),
            (json!({"ada@example.com": 1}), json!({}), "$.{id}", Kind::Missing),
            (json!({uuid: {"x": true}}), json!({uuid: {"x": false}}), "$.{id}.x", Kind::Value),
        ] {
            assert_eq!(found(&one, &other), [(field.to_owned(), kind)], "{one} and {other}");
        }
        let same = [json!({"a": 1, "b": [1.0, {"x": null}]}), json!({"b": [1, {"x": null}], "a": 1})];
        assert_eq!(found(&same[0], &same[1]), []);
    }

    #[test]
    fn items_are_found_again_wherever_they_stand() {
        let one = json!({"items": [{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]});
        let other = json!({"items": [{"id": "c", "n": 3}, {"id": "a", "n": 1}, {"id": "b", "n": 9}]});
        let expected = [("$.items[].n".to_owned(), Kind::Value), ("$.items[]".to_owned(), Kind::Order)];
        assert_eq!(found(&one, &other), expected);
    }

    #[test]
    fn status_content_type_and_what_is_no_json_are_compared_too() {
        let one = answer(&json!({}));
        let kinds = |other: Answer| compare(&one, &other).into_iter().map(|one| one.kind).collect::<Vec<_>>();
        assert_eq!(kinds(Answer { status: 404, body: b"x".to_vec(), ..one.clone() }), [Kind::Status]);
        assert_eq!(kinds(Answer { content_type: Some("application/JSON".to_owned()), ..one.clone() }), []);
        assert_eq!(kinds(Answer { content_type: None, ..one.clone() }), [Kind::ContentType]);
        assert_eq!(kinds(Answer { body: b"<html>".to_vec(), ..one.clone() }), [Kind::Body]);
    }
}
