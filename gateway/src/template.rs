//! Path templates of `google.api.http`: `/v1/{plan.name=plans/*}:publish`. One parser, used when the routes are built.

use std::fmt;

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Exactly this text.
    Literal(String),
    /// `*`: one segment that is not empty.
    One,
    /// `**`: the rest of the path, possibly nothing. Only at the end.
    Rest,
}

/// A field that takes its value from the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Field names from the message inwards: `plan.name` is `["plan", "name"]`.
    pub field: Vec<String>,
    /// First segment it covers.
    pub start: usize,
    /// Segment after the last it covers; `None` when it covers the rest.
    pub end: Option<usize>,
}

impl Variable {
    /// Whether the value may hold several segments, in which case an escaped slash stays escaped.
    pub fn is_several(&self) -> bool {
        self.end != Some(self.start + 1)
    }
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub segments: Vec<Segment>,
    pub variables: Vec<Variable>,
    /// The custom verb after the last colon, without it.
    pub verb: Option<String>,
}

/// Why a template of the contract is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path template {template}: {problem}")]
pub struct TemplateError {
    pub template: String,
    pub problem: &'static str,
}

impl Template {
    /// Parses a template. Errors: no leading slash, an empty segment, a nested or unclosed variable, `**` before the
    /// end, a field bound twice.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_inner(text).map_err(|problem| TemplateError { template: text.to_owned(), problem })
    }

    fn parse_inner(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.strip_prefix('/').ok_or("must begin with a slash")?;
        let mut template = Self { segments: Vec::new(), variables: Vec::new(), verb: None };
        // A colon after the last brace and the last slash begins the verb; inside braces there is none.
        let tail = rest.rfind(['}', '/']).map_or(0, |at| at + 1);
        if let Some(colon) = rest[tail..].find(':') {
            let verb = &rest[tail + colon + 1..];
            check_literal(verb)?;
            template.verb = Some(verb.to_owned());
            rest = &rest[..tail + colon];
        }
        loop {
            rest = if let Some(inner) = rest.strip_prefix('{') {
                let close = inner.find('}').ok_or("a variable is not closed")?;
                template.variable(&inner[..close])?;
                &inner[close + 1..]
            } else {
                let end = rest.find('/').unwrap_or(rest.len());
                template.segment(&rest[..end])?;
                &rest[end..]
            };
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix('/').ok_or("something stands between a variable and the next slash")?;
        }
        let before_last = template.segments.len().saturating_sub(1);
        if template.segments[..before_last].contains(&Segment::Rest) {
            return Err("`**` stands only at the end");
        }
        for (index, variable) in template.variables.iter().enumerate() {
            if template.variables[..index].iter().any(|other| other.field == variable.field) {
                return Err("a field is bound twice");
            }
        }
        Ok(template)
    }

    fn segment(&mut self, text: &str) -> Result<(), &'static str> {
        self.segments.push(match text {
            "*" => Segment::One,
            "**" => Segment::Rest,
            literal => {
                check_literal(literal)?;
                Segment::Literal(literal.to_owned())
            }
        });
        Ok(())
    }

    fn variable(&mut self, text: &str) -> Result<(), &'static str> {
        let (field, pattern) = text.split_once('=').unwrap_or((text, "*"));
        let field: Vec<String> = field.split('.').map(str::to_owned).collect();
        let is_name = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !field.iter().all(is_name) {
            return Err("a variable names no field");
        }
        let start = self.segments.len();
        for part in pattern.split('/') {
            self.segment(part)?;
        }
        let end = (self.segments.last() != Some(&Segment::Rest)).then_some(self.segments.len());
        self.variables.push(Variable { field, start, end });
        Ok(())
    }
}

fn check_literal(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a segment or verb is empty");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if text.chars().all(plain) { Ok(()) } else { Err("a segment or verb has a character that would need escaping") }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            Segment::One => "*".to_owned(),
            Segment::Rest => "**".to_owned(),
        };
        let mut at = 0;
        while at < self.segments.len() {
            match self.variables.iter().find(|v| v.start == at) {
                Some(variable) => {
                    let end = variable.end.unwrap_or(self.segments.len());
                    let pattern: Vec<_> = self.segments[at..end].iter().map(show).collect();
                    write!(f, "/{{{}={}}}", variable.field.join("."), pattern.join("/"))?;
                    at = end;
                }
                None => {
                    write!(f, "/{}", show(&self.segments[at]))?;
                    at += 1;
                }
            }
        }
        match &self.verb {
            Some(verb) => write!(f, ":{verb}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Template {
        Template::parse(text).unwrap()
    }

    #[test]
    fn a_nested_field_a_pattern_and_a_verb_are_read() {
        let template = parse("/v1/{plan.name=plans/*}/parts/{part}:publish");
        assert_eq!(template.verb.as_deref(), Some("publish"));
        assert_eq!(template.segments.len(), 5);
        let name = &template.variables[0];
        assert_eq!((name.field.join("."), name.start, name.end), ("plan.name".to_owned(), 1, Some(3)));
        assert!(name.is_several());
        let part = &template.variables[1];
        assert_eq!((part.start, part.end, part.is_several()), (4, Some(5), false));
    }

    #[test]
    fn the_rest_of_a_path_is_one_variable() {
        let template = parse("/files/{path=**}");
        assert_eq!(template.segments, [Segment::Literal("files".into()), Segment::Rest]);
        assert_eq!((template.variables[0].end, template.variables[0].is_several()), (None, true));
    }

    #[test]
    fn a_verb_may_follow_a_literal() {
        let template = parse("/v1/session:signIn");
        assert_eq!(template.segments.len(), 2);
        assert_eq!(template.verb.as_deref(), Some("signIn"));
    }

    #[test]
    fn malformed_templates_are_named() {
        for text in [
            "",
            "v1",
            "/",
            "/v1/",
            "/v1//x",
            "/v1/{name",
            "/v1/{=x}",
            "/v1/{a}b",
            "/v1/{a=**}/x",
            "/v1/**/x",
            "/v1/x:",
            "/v1/{a}/{a}",
            "/v1/{a..b}",
            "/v1/{A}",
            "/v1/x y",
            "/v1/{a=}",
            "/v1/{a={b}}",
        ] {
            let error = Template::parse(text).expect_err(text);
            assert_eq!(error.template, text);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_parsed_again(
            parts in proptest::collection::vec(prop_oneof![
                "[a-z][a-zA-Z0-9]{0,8}".prop_map(|s| s),
                Just("*".to_owned()),
            ], 1..6),
            wrap in any::<bool>(), verb in proptest::option::of("[a-z]{1,6}"), rest in any::<bool>(),
        ) {
            let mut text = format!("/{}", parts.join("/"));
            if wrap { text = format!("/v1/{{a.b={}}}", parts.join("/")); }
            if rest { text += "/{rest=**}"; }
            if let Some(verb) = verb { text = format!("{text}:{verb}"); }
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.to_string(), text.clone());
            prop_assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
        }

        #[test]
        fn no_text_panics_the_parser(text in "[/{}=*:.a-z]{0,24}") {
            let _ = Template::parse(&text);
        }
    }
}
