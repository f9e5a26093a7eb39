//! Decodes a JSON object as the old services did (T-04): names match whatever their case and underscores, so
//! `firstName`, `first_name` and `FIRST_NAME` are one field; `null` is the same as absent; unknown names are ignored;
//! an exact name beats a loose one.

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde_json::Value;

/// Reads `value` into `T`: a struct, or a list of them.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    T::deserialize(Loose(value))
}

struct Loose(Value);

impl<'de> Deserializer<'de> for Loose {
    type Error = serde_json::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        let object = match self.0 {
            Value::Object(object) => object,
            // Derived visitors would take a list for the fields in their order.
            Value::Array(_) => return Err(Self::Error::invalid_type(Unexpected::Seq, &"an object")),
            other => return other.deserialize_struct(name, fields, visitor),
        };
        let mut found: Vec<(&'static str, Value)> = Vec::with_capacity(fields.len());
        for (name, value) in object {
            if value.is_null() {
                continue;
            }
            let Some(field) = fields.iter().find(|field| same_name(field, &name)) else { continue };
            match found.iter_mut().find(|(known, _)| known == field) {
                None => found.push((field, value)),
                Some((known, old)) if *known == name => *old = value,
                Some(_) => {}
            }
        }
        visitor.visit_map(MapDeserializer::new(found.into_iter()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Loose))),
            other => other.deserialize_seq(visitor),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct tuple tuple_struct map enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, serde_json::Error> for Loose {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn same_name(field: &str, name: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = u8> + '_ {
        text.bytes().filter(|byte| *byte != b'_' && *byte != b'-').map(|byte| byte.to_ascii_lowercase())
    }
    letters(field).eq(letters(name))
}

/// Whether a NUL character stands anywhere in `value`: PostgreSQL's text cannot hold one.
pub(crate) fn contains_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(contains_nul),
        Value::Object(entries) => entries.iter().any(|(name, value)| name.contains('\0') || contains_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::decode;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(default)]
    struct Person {
        first_name: Option<String>,
        age: Option<u8>,
    }

    fn person(value: serde_json::Value) -> Result<Person, serde_json::Error> {
        decode(value)
    }

    fn named(name: &str) -> Person {
        Person { first_name: Some(name.to_owned()), age: None }
    }

    #[test]
    fn names_match_loosely_and_the_exact_one_wins() {
        assert_eq!(person(json!({"firstName": "Ada"})).unwrap(), named("Ada"));
        assert_eq!(person(json!({"FIRST_NAME": "Ada"})).unwrap(), named("Ada"));
        assert_eq!(person(json!({"firstName": "x", "first_name": "Ada"})).unwrap(), named("Ada"));
        assert_eq!(person(json!({"first_name": "Ada", "firstName": "x"})).unwrap(), named("Ada"));
    }

    #[test]
    fn null_is_absent_and_unknown_is_ignored() {
        assert_eq!(person(json!({"first_name": null, "acceptTerms": true})).unwrap(), Person::default());
    }

    #[test]
    fn lists_decode_their_members_the_same_way() {
        let people: Vec<Person> = decode(json!([{"FirstName": "Ada"}, {"first_name": null}])).unwrap();
        assert_eq!(people, [named("Ada"), Person::default()]);
    }

    #[test]
    fn wrong_types_are_refused() {
        assert!(person(json!({"first_name": 7})).is_err());
        assert!(person(json!({"age": 300})).is_err());
        assert!(person(json!([])).is_err());
        assert!(decode::<Vec<Person>>(json!([["Ada", 36]])).is_err());
    }
}
