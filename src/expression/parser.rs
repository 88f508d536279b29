//! From the tokens of an expression to its tree: the grammar of Jinja's expressions, with `?.` and `?[`.

use super::cursor::{ExprParser, Parsed, check_literals, invalid};
use super::lexer::{is_letter, tokens};
use super::library::call::{Tool, ToolKind, Tools, find};
use super::library::{FILTERS, FUNCTIONS, TESTS};
use super::literals;
use super::number::Arithmetic;
use super::tree::{ExprComparison, ExprLiteral, ExprNode, Logic, NodeKind};

/// The arguments of a call: values, and those with names.
type Given = (Vec<ExprNode>, Vec<(String, ExprNode)>);

/// The tree of an expression.
pub(super) fn parse(source: &str) -> Parsed<ExprNode> {
    let mut parser = ExprParser { source, tokens: tokens(source).collect(), at: 0 };
    let node = parser.expression().map_err(|(message, advice)| (format!("`{source}`{message}"), advice))?;
    match parser.peek() {
        "" => Ok(node),
        found => {
            let (message, advice) = parser.unexpected(found);
            Err((format!("`{source}`{message}"), advice))
        }
    }
}

impl ExprParser<'_> {
    /// `a if b else c`.
    fn expression(&mut self) -> Parsed<ExprNode> {
        let mut open = Vec::new();
        let mut last = loop {
            let from = self.here();
            let value = self.or()?;
            if !self.take("if") {
                break Some(value);
            }
            open.push((from, value, self.or()?));
            if !self.take("else") {
                break None;
            }
        };
        while let Some((from, value, test)) = open.pop() {
            let kind = NodeKind::If { test: Box::new(test), value: Box::new(value), otherwise: last.map(Box::new) };
            last = Some(self.node(from, kind));
        }
        last.map_or_else(|| Err(self.unexpected("")), Ok)
    }

    fn or(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.and()?;
        while self.take("or") {
            let right = self.and()?;
            left = self.node(from, NodeKind::Logic(Logic::Or, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.not()?;
        while self.take("and") {
            let right = self.not()?;
            left = self.node(from, NodeKind::Logic(Logic::And, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut count = 0;
        while self.take("not") {
            count += 1;
        }
        let mut node = self.comparison()?;
        for _ in 0..count {
            node = self.node(from, NodeKind::Not(Box::new(node)));
        }
        Ok(node)
    }

    fn comparison(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let left = self.sum()?;
        let Some(operator) = self.comparison_operator() else { return Ok(left) };
        let right = self.sum()?;
        let node = self.node(from, NodeKind::Compare(operator, Box::new(left), Box::new(right)));
        match self.comparison_operator() {
            None => Ok(node),
            Some(_) => Err((
                " is not an expression: comparisons cannot follow each other".to_owned(),
                Some("join them with `and`: 1 < item.n and item.n < 5".to_owned()),
            )),
        }
    }

    fn comparison_operator(&mut self) -> Option<ExprComparison> {
        let operator = match self.peek() {
            "==" => ExprComparison::Equal,
            "!=" => ExprComparison::NotEqual,
            "<" => ExprComparison::Less,
            "<=" => ExprComparison::LessOrEqual,
            ">" => ExprComparison::Greater,
            ">=" => ExprComparison::GreaterOrEqual,
            "in" => ExprComparison::In,
            "not" if self.ahead(1) == "in" => {
                self.at += 1;
                ExprComparison::NotIn
            }
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    fn sum(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.joined()?;
        loop {
            let operator = match self.peek() {
                "+" => Arithmetic::Add,
                "-" => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.joined()?;
            left = self.node(from, NodeKind::Calculate(operator, Box::new(left), Box::new(right)));
        }
    }

    fn joined(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.product()?;
        while self.take("~") {
            let right = self.product()?;
            left = self.node(from, NodeKind::Join(Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.power()?;
        loop {
            let operator = match self.peek() {
                "*" => Arithmetic::Multiply,
                "/" => Arithmetic::Divide,
                "//" => Arithmetic::DivideWhole,
                "%" => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.power()?;
            left = self.node(from, NodeKind::Calculate(operator, Box::new(left), Box::new(right)));
        }
    }

    fn power(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut left = self.unary()?;
        while self.take("**") {
            let right = self.unary()?;
            left = self.node(from, NodeKind::Calculate(Arithmetic::Power, Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    /// A sign, a value, and the filters and tests after it.
    fn unary(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut is_negative = false;
        loop {
            match self.peek() {
                "-" => is_negative = !is_negative,
                "+" => {}
                _ => break,
            }
            self.at += 1;
        }
        let mut node = self.value()?;
        if is_negative {
            node = self.node(from, NodeKind::Negative(Box::new(node)));
        }
        loop {
            node = match self.peek() {
                "|" => self.filter(from, node)?,
                "is" => self.test(from, node)?,
                _ => return Ok(node),
            };
        }
    }

    fn filter(&mut self, from: usize, of: ExprNode) -> Parsed<ExprNode> {
        self.at += 1;
        let name = self.next();
        if !name.starts_with(is_letter) {
            self.at -= if name == "|" { 2 } else { 1 };
            return Err(self.unexpected(name));
        }
        let tool = self.tool(ToolKind::Filter, FILTERS, name)?;
        let (values, names) = if self.take("(") { self.arguments()? } else { (Vec::new(), Vec::new()) };
        if matches!(self.peek(), "." | "?." | "[" | "?[") {
            let rest = self.peek();
            return Err((
                format!(" is not an expression: `{rest}` after the filter `{name}`"),
                Some(format!("put the value in parentheses: (… | {name}){rest}")),
            ));
        }
        self.call(from, ToolKind::Filter, tool, Some(of), (values, names))
    }

    fn test(&mut self, from: usize, of: ExprNode) -> Parsed<ExprNode> {
        self.at += 1;
        let is_negated = self.take("not");
        let name = self.next();
        let is_named = name.starts_with(is_letter);
        if !is_named {
            self.at -= 1;
            return Err(self.unexpected(name));
        }
        let tool = self.tool(ToolKind::Test, TESTS, name)?;
        let args = if self.take("(") {
            self.arguments()?
        } else if !tool.params.is_empty() && self.begins_value() {
            (vec![self.value()?], Vec::new())
        } else {
            (Vec::new(), Vec::new())
        };
        let node = self.call(from, ToolKind::Test, tool, Some(of), args)?;
        Ok(if is_negated { self.node(from, NodeKind::Not(Box::new(node))) } else { node })
    }

    fn begins_value(&self) -> bool {
        let token = self.tokens.get(self.at);
        token.is_some_and(|token| {
            let is_literal = matches!(token.text, "true" | "false" | "none" | "null" | "True" | "False" | "None");
            let is_start = |c: char| c.is_ascii_digit() || matches!(c, '"' | '\'' | '[' | '{');
            token.is_name() || is_literal || token.text.starts_with(is_start)
        })
    }

    fn tool(&self, kind: ToolKind, tools: Tools, name: &str) -> Parsed<&'static Tool> {
        if kind == ToolKind::Function && name == "now" {
            return Err((
                ": there is no function `now`".to_owned(),
                Some("expressions have no clock; run.started is the time at which the run began".to_owned()),
            ));
        }
        find(kind, tools, name).map_err(|(message, advice)| (format!(": {message}"), advice))
    }

    fn call(
        &self,
        from: usize,
        kind: ToolKind,
        tool: &'static Tool,
        of: Option<ExprNode>,
        (values, names): Given,
    ) -> Parsed<ExprNode> {
        check_literals(tool, &values)?;
        let args = tool.bind(values, names).map_err(|message| (format!(": {message}"), None))?;
        Ok(self.node(from, NodeKind::Call { kind, tool, of: of.map(Box::new), args }))
    }

    /// Arguments up to the closing parenthesis.
    fn arguments(&mut self) -> Parsed<Given> {
        let (mut values, mut names) = (Vec::new(), Vec::new());
        while !self.take(")") {
            if self.ahead(1) == "=" && self.peek().starts_with(is_letter) {
                let name = self.next().to_owned();
                self.at += 1;
                names.push((name, self.expression()?));
            } else if names.is_empty() {
                values.push(self.expression()?);
            } else {
                return invalid("values come before named arguments");
            }
            if !self.take(",") && self.peek() != ")" {
                return Err(self.unexpected(self.peek()));
            }
        }
        Ok((values, names))
    }

    /// A value with its fields, elements and calls.
    fn value(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let mut node = self.primary()?;
        loop {
            let mark = self.peek();
            match mark {
                "." | "?." => {
                    self.at += 1;
                    let name = self.next();
                    if !name.starts_with(is_letter) {
                        self.at -= 1;
                        return Err(self.unexpected(name));
                    }
                    if self.peek() == "(" {
                        return invalid(&format!("`{name}` is called, but values have no methods"))
                            .map_err(|(message, _)| (message, Some(format!("write a filter: … | {name}"))));
                    }
                    let (of, name, is_safe) = (Box::new(node), name.to_owned(), mark == "?.");
                    node = self.node(from, NodeKind::Field { of, name, is_safe });
                }
                "[" | "?[" => {
                    self.at += 1;
                    node = self.subscript(from, node, mark == "?[")?;
                }
                "(" => return invalid("only functions are called"),
                _ => return Ok(node),
            }
        }
    }

    /// `key]` or `from:to:step]`.
    fn subscript(&mut self, from: usize, of: ExprNode, is_safe: bool) -> Parsed<ExprNode> {
        let of = Box::new(of);
        let mut bounds = [None, None, None];
        let mut colons = 0;
        loop {
            match self.peek() {
                ":" if colons < 2 => {
                    colons += 1;
                    self.at += 1;
                }
                "]" => break,
                _ => {
                    let bound = Box::new(self.expression()?);
                    match bounds.get_mut(colons) {
                        Some(place @ None) => *place = Some(bound),
                        Some(Some(_)) | None => return invalid("unexpected value in [ ]"),
                    }
                }
            }
        }
        self.expect("]")?;
        if colons > 0 {
            return Ok(self.node(from, NodeKind::Slice { of, bounds }));
        }
        match bounds {
            [Some(key), _, _] => Ok(self.node(from, NodeKind::Index { of, key, is_safe })),
            _ => invalid("[ ] is empty"),
        }
    }

    fn primary(&mut self) -> Parsed<ExprNode> {
        let from = self.here();
        let Some(token) = self.tokens.get(self.at).copied() else { return Err(self.unexpected("")) };
        self.at += 1;
        let kind = match token.text {
            "(" => return self.parentheses(from),
            "[" => NodeKind::List(self.list("]")?),
            "{" => NodeKind::Map(self.map()?),
            "true" | "True" => NodeKind::Literal(ExprLiteral::Bool(true)),
            "false" | "False" => NodeKind::Literal(ExprLiteral::Bool(false)),
            "none" | "None" | "null" => NodeKind::Literal(ExprLiteral::Null),
            text if text.starts_with(['"', '\'']) => {
                let mut whole = literals::text(text).map_err(|why| (format!(" is not an expression: {why}"), None))?;
                while self.peek().starts_with(['"', '\'']) {
                    let more = literals::text(self.next());
                    whole += &more.map_err(|why| (format!(" is not an expression: {why}"), None))?;
                }
                NodeKind::Literal(ExprLiteral::Text(whole.into()))
            }
            text if text.starts_with(|c: char| c.is_ascii_digit()) => match literals::number(text) {
                Some(number) => NodeKind::Literal(ExprLiteral::Number(number.into())),
                None => return invalid(&format!("`{text}` is not a number")),
            },
            name if token.is_name() && self.peek() == "(" => {
                let tool = self.tool(ToolKind::Function, FUNCTIONS, name)?;
                self.at += 1;
                let args = self.arguments()?;
                return self.call(from, ToolKind::Function, tool, None, args);
            }
            name if token.is_name() => NodeKind::Name(name.to_owned()),
            other => {
                self.at -= 1;
                return Err(self.unexpected(other));
            }
        };
        Ok(self.node(from, kind))
    }

    /// A value in parentheses, or a list such as `(a, b)`.
    fn parentheses(&mut self, from: usize) -> Parsed<ExprNode> {
        if self.take(")") {
            return Ok(self.node(from, NodeKind::List(Vec::new())));
        }
        let first = self.expression()?;
        if self.take(")") {
            return Ok(first);
        }
        self.expect(",")?;
        let mut list = vec![first];
        list.extend(self.list(")")?);
        Ok(self.node(from, NodeKind::List(list)))
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<ExprNode>> {
        let mut list = Vec::new();
        while !self.take(end) {
            list.push(self.expression()?);
            if !self.take(",") && self.peek() != end {
                return Err(self.unexpected(self.peek()));
            }
        }
        Ok(list)
    }

    fn map(&mut self) -> Parsed<Vec<(ExprNode, ExprNode)>> {
        let mut map = Vec::new();
        while !self.take("}") {
            let first = self.peek();
            let key = self.expression()?;
            if let NodeKind::Name { .. } = key.kind
                && self.peek() == ":"
            {
                let message = format!(" is not an expression: the key `{first}` of an object needs quotes");
                return Err((message, Some(format!("write {{ '{first}': … }}"))));
            }
            self.expect(":")?;
            map.push((key, self.expression()?));
            if !self.take(",") && self.peek() != "}" {
                return Err(self.unexpected(self.peek()));
            }
        }
        Ok(map)
    }
}
