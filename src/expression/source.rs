//! Expressions and shapes as plain values: two with one source are equal, and they are serialized as their source.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::expr::Expr;
use super::shape::{Piece, Shape};

macro_rules! by_source {
    ($($name:ident)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.source())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &$name) -> bool {
                self.source() == other.source()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.source().hash(state);
            }
        }
    )* };
}

by_source!(Expr Shape);

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.source())
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expr, D::Error> {
        Expr::parse(&String::deserialize(deserializer)?).map_err(|(message, _)| D::Error::custom(message))
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shape::Fixed(json) => {
                // In a text, this would be read as an expression.
                let json =
                    RawValue::from_string(json.replace("${{", "$\\u007b{")).map_err(serde::ser::Error::custom)?;
                json.serialize(serializer)
            }
            Shape::Value(expr) => serializer.collect_str(&format_args!("${{{{ {} }}}}", expr.source())),
            Shape::Text(pieces) => serializer.serialize_str(&pieces.iter().map(written).collect::<String>()),
            Shape::List(list) => list.serialize(serializer),
            Shape::Map(map) => serializer.collect_map(map.iter().map(|(name, shape)| (name, shape))),
        }
    }
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Value(expr) => format!("${{{{ {} }}}}", expr.source()),
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let mut faults = Vec::new();
        let shape = Shape::parse(json.get(), "", &mut |at, (message, _)| faults.push(format!("{at}: {message}")));
        if faults.is_empty() { Ok(shape) } else { Err(D::Error::custom(faults.join("; "))) }
    }
}
