//! A client's stream of messages over HTTP: a body of type `application/x-ndjson`, one JSON value a line, sent on as it comes.
//!
//! - Where the whole request is the body (`body: "*"`), each line is a message, and the fields of the path are set in each.
//! - Where one field is, each line is a value of that field, one element where it is repeated; elements that come together
//!   travel in one message, [`ELEMENTS_MAX`] at the most. The fields of path and query are set in the first message only, as for files.
//!
//! Empty lines are skipped. A line that is not what it must be ends the call as failed, so that the part applies nothing or what
//! came before, as it does when a client breaks off; the refusal names the line.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

use crate::binder;
use crate::json;
use crate::routes::{BodyPlace, Route};

/// Elements of a repeated field in one message, which is what the contract's streams of rows take.
pub const ELEMENTS_MAX: usize = 1_000;

/// Makes messages of lines.
pub struct Lines {
    /// Holds the fields of path and query.
    first: Option<DynamicMessage>,
    /// Set in every message.
    bound: Vec<(Vec<FieldDescriptor>, Value)>,
    empty: DynamicMessage,
    field: Option<FieldDescriptor>,
    rest: BytesMut,
    number: u64,
    line_bytes_max: usize,
}

impl Lines {
    /// For a route, with a message that holds the fields of path and query.
    pub fn new(route: &Route, message: DynamicMessage, line_bytes_max: usize) -> Self {
        let field = match &route.body {
            BodyPlace::Field(field) => Some(field.clone()),
            BodyPlace::Whole | BodyPlace::None => None,
        };
        let value = |fields: &[FieldDescriptor]| {
            let (last, outer) = fields.split_last()?;
            let mut copy = message.clone();
            Some(binder::inner_mut(&mut copy, outer).get_field(last).into_owned())
        };
        let bound = match field {
            Some(_) => Vec::new(),
            None => route.bound.iter().filter_map(|b| Some((b.fields.clone(), value(&b.fields)?))).collect(),
        };
        let first = field.is_some().then_some(message);
        let empty = DynamicMessage::new(route.input.clone());
        Self { first, bound, empty, field, rest: BytesMut::new(), number: 0, line_bytes_max }
    }

    /// Takes what has come and makes messages of the lines that are whole. Errors: a sentence for the client.
    pub fn take(&mut self, chunk: &[u8], messages: &mut VecDeque<Bytes>) -> Result<(), String> {
        let searched = self.rest.len();
        self.rest.extend_from_slice(chunk);
        let Some(end) = self.rest[searched..].iter().rposition(|&c| c == b'\n') else {
            return self.check_length(self.rest.len());
        };
        let whole = self.rest.split_to(searched + end + 1).freeze();
        self.check_length(self.rest.len())?;
        self.read(&whole, messages)
    }

    /// Makes messages of what is left.
    pub fn end(&mut self, messages: &mut VecDeque<Bytes>) -> Result<(), String> {
        let rest = self.rest.split().freeze();
        self.read(&rest, messages)?;
        // Without lines the fields of path and query still are a request.
        if let Some(first) = self.first.take() {
            messages.push_back(binder::encode(&first));
        }
        Ok(())
    }

    fn check_length(&self, bytes: usize) -> Result<(), String> {
        if bytes <= self.line_bytes_max {
            return Ok(());
        }
        Err(format!("line {}: longer than {} bytes", self.number + 1, self.line_bytes_max))
    }

    fn read(&mut self, text: &[u8], messages: &mut VecDeque<Bytes>) -> Result<(), String> {
        let mut items = Vec::new();
        for line in text.split(|&c| c == b'\n') {
            self.number += 1;
            self.check_length(line.len()).map_err(|_| format!("line {}: too long", self.number))?;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bad = |bad: json::Bad| format!("line {}: {bad}", self.number);
            match &self.field {
                None => {
                    let mut message = json::message(&self.empty.descriptor(), line).map_err(bad)?;
                    for (fields, value) in &self.bound {
                        if let Some((last, outer)) = fields.split_last() {
                            binder::inner_mut(&mut message, outer).set_field(last, value.clone());
                        }
                    }
                    messages.push_back(binder::encode(&message));
                }
                Some(field) if field.is_list() => items.push(json::element(field, line).map_err(bad)?),
                Some(field) => {
                    let value = json::field(field, line).map_err(bad)?;
                    let mut message = self.first.take().unwrap_or_else(|| self.empty.clone());
                    if let Some(value) = value {
                        message.set_field(field, value);
                    }
                    messages.push_back(binder::encode(&message));
                }
            }
        }
        // The end of the last line begins no other.
        self.number = self.number.saturating_sub(u64::from(text.ends_with(b"\n")));
        let mut items = items.into_iter().peekable();
        while let (Some(field), Some(_)) = (&self.field, items.peek()) {
            let mut message = self.first.take().unwrap_or_else(|| self.empty.clone());
            message.set_field(field, Value::List(items.by_ref().take(ELEMENTS_MAX).collect()));
            messages.push_back(binder::encode(&message));
        }
        Ok(())
    }
}
