//! Which keys there are: asked of the settings' own types, so that no list of them can go stale.
//!
//! A deserializer that feeds nothing notes what each type asks for: a struct names its fields, a
//! leaf says which shape of value it wants.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
};
use std::fmt;

/// A key that a settings file may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `section.key`.
    pub path: String,
    pub shape: Shape,
}

/// What a key's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Bool,
    Number,
    Text,
    /// Several values, or tables of them.
    List,
    Table,
}

impl Key {
    /// The environment variable that sets this key.
    pub fn variable(&self) -> String {
        format!("BLOCKFEED_{}", self.path.replace('.', "_").to_uppercase())
    }
}

/// All keys of `T`, in the order of its fields.
pub fn of<T: DeserializeOwned>() -> Vec<Key> {
    let mut keys = Vec::new();
    walk::<T>(&mut Vec::new(), &mut keys);
    keys
}

fn walk<T: DeserializeOwned>(path: &mut Vec<&'static str>, keys: &mut Vec<Key>) {
    let mut asked = None;
    // It always fails: what is wanted is what it asked for on the way.
    drop(T::deserialize(Probe {
        path,
        asked: &mut asked,
    }));
    match asked {
        Some(Asked::Fields(fields)) => {
            for field in fields {
                path.push(field);
                walk::<T>(path, keys);
                path.pop();
            }
        }
        Some(Asked::Leaf(shape)) => keys.push(Key {
            path: path.join("."),
            shape,
        }),
        None => {}
    }
}

enum Asked {
    Fields(&'static [&'static str]),
    Leaf(Shape),
}

struct Probe<'a> {
    path: &'a [&'static str],
    asked: &'a mut Option<Asked>,
}

#[derive(Debug)]
struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("asked")
    }
}

impl std::error::Error for Stop {}

impl serde::de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Probe<'_> {
    fn leaf<T>(self, shape: Shape) -> Result<T, Stop> {
        *self.asked = Some(Asked::Leaf(shape));
        Err(Stop)
    }
}

macro_rules! leaves {
    ($($shape:ident: $($method:ident)*;)*) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.leaf(Shape::$shape)
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    leaves! {
        Bool: deserialize_bool;
        Number: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
            deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64;
        Text: deserialize_any deserialize_char deserialize_str deserialize_string
            deserialize_bytes deserialize_byte_buf deserialize_identifier
            deserialize_ignored_any deserialize_unit;
        List: deserialize_seq;
        Table: deserialize_map;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Stop> {
        self.leaf(Shape::Text)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Stop> {
        self.leaf(Shape::List)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Stop> {
        self.leaf(Shape::List)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Stop> {
        self.leaf(Shape::Text)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path.split_first() {
            Some((first, rest)) => visitor.visit_map(One {
                key: Some(first),
                probe: Some(Probe {
                    path: rest,
                    asked: self.asked,
                }),
            }),
            None => {
                *self.asked = Some(Asked::Fields(fields));
                Err(Stop)
            }
        }
    }
}

/// A map of one key, whose value asks further.
struct One<'a> {
    key: Option<&'static str>,
    probe: Option<Probe<'a>>,
}

impl<'de> MapAccess<'de> for One<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        let key = self.key.take();
        key.map(|key| seed.deserialize(BorrowedStrDeserializer::new(key)))
            .transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let probe = self.probe.take().ok_or_else(|| Stop::custom(""))?;
        seed.deserialize(probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Whole {
        inner: Option<Inner>,
        #[serde(rename = "name")]
        text: String,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is asked for")]
    struct Inner {
        many: Vec<u8>,
        flag: Option<bool>,
        seconds: u64,
    }

    #[test]
    fn the_types_themselves_say_their_keys() {
        let found: Vec<_> = of::<Whole>()
            .into_iter()
            .map(|k| (k.path, k.shape))
            .collect();
        let want = [
            ("inner.many", Shape::List),
            ("inner.flag", Shape::Bool),
            ("inner.seconds", Shape::Number),
            ("name", Shape::Text),
        ];
        assert_eq!(found, want.map(|(path, shape)| (path.to_owned(), shape)));
    }
}
