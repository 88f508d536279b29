//! The syntax tree of an expression.

use std::ops::Range;

use super::library::call::{Arguments, Tool, ToolKind};
use super::number::Arithmetic;

/// A part of an expression with its place in the source.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Literal(Literal),
    Name(String),
    /// `of.name`, `of?.name`.
    Field {
        of: Box<Node>,
        name: String,
        is_safe: bool,
    },
    /// `of[key]`, `of?[key]`.
    Index {
        of: Box<Node>,
        key: Box<Node>,
        is_safe: bool,
    },
    Slice {
        of: Box<Node>,
        bounds: [Option<Box<Node>>; 3],
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Negative(Box<Node>),
    Calculate(Arithmetic, Box<Node>, Box<Node>),
    /// `a ~ b`.
    Join(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Logic(Logic, Box<Node>, Box<Node>),
    Not(Box<Node>),
    If {
        test: Box<Node>,
        value: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    /// A filter, test or function; a function is of no value.
    Call {
        kind: ToolKind,
        tool: &'static Tool,
        of: Option<Box<Node>>,
        args: Arguments<Node>,
    },
}

/// A value that is written out.
#[derive(Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    /// The text of a JSON number.
    Number(std::sync::Arc<str>),
    Text(std::sync::Arc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}

impl Logic {
    pub(super) fn word(self) -> &'static str {
        match self {
            Logic::And => "and",
            Logic::Or => "or",
        }
    }
}

impl Node {
    /// Its text in the source of the expression.
    pub(super) fn source<'s>(&self, source: &'s str) -> &'s str {
        source.get(self.at.clone()).unwrap_or_default().trim()
    }

    /// The parts that it consists of.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            NodeKind::Literal(_) | NodeKind::Name(_) => Vec::new(),
            NodeKind::Field { of, .. } | NodeKind::Negative(of) | NodeKind::Not(of) => vec![of],
            NodeKind::Index { of, key, .. } => vec![of, key],
            NodeKind::Slice { of, bounds } => {
                std::iter::once(&**of).chain(bounds.iter().flatten().map(|node| &**node)).collect()
            }
            NodeKind::List(list) => list.iter().collect(),
            NodeKind::Map(map) => map.iter().flat_map(|(key, value)| [key, value]).collect(),
            NodeKind::Calculate(_, a, b)
            | NodeKind::Join(a, b)
            | NodeKind::Compare(_, a, b)
            | NodeKind::Logic(_, a, b) => vec![a, b],
            NodeKind::If { test, value, otherwise } => {
                [&**value, &**test].into_iter().chain(otherwise.as_deref()).collect()
            }
            NodeKind::Call { of, args, .. } => of.as_deref().into_iter().chain(args.all()).collect(),
        }
    }
}
