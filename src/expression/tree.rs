//! The syntax tree of an expression.

use std::ops::Range;

use super::library::call::{Arguments, Tool, ToolKind};
use super::number::Arithmetic;

/// A part of an expression with its place in the source.
#[derive(Debug)]
pub(super) struct ExprNode {
    pub(super) at: Range<usize>,
    pub(super) kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Literal(ExprLiteral),
    Name(String),
    /// `of.name`, `of?.name`.
    Field {
        of: Box<ExprNode>,
        name: String,
        is_safe: bool,
    },
    /// `of[key]`, `of?[key]`.
    Index {
        of: Box<ExprNode>,
        key: Box<ExprNode>,
        is_safe: bool,
    },
    Slice {
        of: Box<ExprNode>,
        bounds: [Option<Box<ExprNode>>; 3],
    },
    List(Vec<ExprNode>),
    Map(Vec<(ExprNode, ExprNode)>),
    Negative(Box<ExprNode>),
    Calculate(Arithmetic, Box<ExprNode>, Box<ExprNode>),
    /// `a ~ b`.
    Join(Box<ExprNode>, Box<ExprNode>),
    Compare(ExprComparison, Box<ExprNode>, Box<ExprNode>),
    Logic(Logic, Box<ExprNode>, Box<ExprNode>),
    Not(Box<ExprNode>),
    If {
        test: Box<ExprNode>,
        value: Box<ExprNode>,
        otherwise: Option<Box<ExprNode>>,
    },
    /// A filter, test or function; a function is of no value.
    Call {
        kind: ToolKind,
        tool: &'static Tool,
        of: Option<Box<ExprNode>>,
        args: Arguments<ExprNode>,
    },
}

impl ExprNode {
    /// Whether it puts a text together from others, rather than choosing one.
    pub(super) fn puts_together(&self) -> bool {
        match &self.kind {
            NodeKind::Literal(_) | NodeKind::Name(_) | NodeKind::Field { .. } | NodeKind::Index { .. } => false,
            NodeKind::If { value, otherwise, .. } => {
                value.puts_together() || otherwise.as_ref().is_some_and(|node| node.puts_together())
            }
            NodeKind::Call { tool, of, args, .. } if tool.name == "default" => {
                of.iter().any(|node| node.puts_together()) || args.all().any(ExprNode::puts_together)
            }
            _ => true,
        }
    }
}

/// A value that is written out.
#[derive(Debug)]
pub(super) enum ExprLiteral {
    Null,
    Bool(bool),
    /// The text of a JSON number.
    Number(std::sync::Arc<str>),
    Text(std::sync::Arc<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExprComparison {
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

impl ExprNode {
    /// Its text in the source of the expression.
    pub(super) fn source<'s>(&self, source: &'s str) -> &'s str {
        source.get(self.at.clone()).unwrap_or_default().trim()
    }

    /// The part that it begins with and that is evaluated first.
    pub(super) fn first(&self) -> Option<&ExprNode> {
        match &self.kind {
            NodeKind::Literal(_) | NodeKind::Name(_) | NodeKind::List(_) | NodeKind::Map(_) | NodeKind::If { .. } => {
                None
            }
            NodeKind::Field { of, .. }
            | NodeKind::Index { of, .. }
            | NodeKind::Slice { of, .. }
            | NodeKind::Negative(of)
            | NodeKind::Not(of)
            | NodeKind::Calculate(_, of, _)
            | NodeKind::Join(of, _)
            | NodeKind::Compare(_, of, _)
            | NodeKind::Logic(_, of, _) => Some(of),
            NodeKind::Call { of, .. } => of.as_deref(),
        }
    }

    /// The parts that it consists of.
    pub(super) fn children(&self) -> Vec<&ExprNode> {
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
