//! One protocol asks every target: a JSON object a line in, one a line out, in the same order.

mod identity;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::identity::canonical_json::read::{Node, members};
use crate::identity::canonical_json::{Canonicalizer, Limits, push_integer, push_string};
use crate::identity::error::Error;
use crate::identity::spelling;

/// A line may carry a text that is itself over the limit, in base64.
const LINE_LIMITS: Limits = Limits {
    max_bytes: 64 << 20,
    max_depth: 130,
};

/// What is asked: `{"id":…,"op":…,"input":…}`, or `input_base64` for bytes that are no JSON string.
pub(crate) struct Question<'a> {
    /// The input as it is written in the line, when it is JSON.
    json: Option<&'a str>,
    bytes: Option<Vec<u8>>,
}

/// What is answered.
pub(crate) enum Answer {
    /// A string.
    Text(String),
    /// JSON text.
    Json(String),
    /// An integer.
    Integer(i64),
}

/// Why nothing is answered: a stable code and, where there is one, the place.
pub(crate) struct Refusal {
    code: &'static str,
    offset: Option<u32>,
}

pub(crate) type Outcome = Result<Answer, Refusal>;

impl Refusal {
    /// The operation is not known.
    pub(crate) const UNKNOWN: Self = Self {
        code: "op.unknown",
        offset: None,
    };
    /// The input is not what the operation takes.
    pub(crate) const INPUT: Self = Self {
        code: "op.input",
        offset: None,
    };
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            code: error.code.as_str(),
            offset: error.offset,
        }
    }
}

/// Answers one line, without its line feed.
///
/// A line that is no JSON object is answered with its own refusal, without an id.
pub fn answer_line(line: &[u8]) -> Vec<u8> {
    let mut context = Canonicalizer::with_limits(LINE_LIMITS);
    let (id, outcome) = match context.canonicalize(line) {
        Ok(canonical) => answer(core::str::from_utf8(canonical).unwrap_or_default()),
        Err(error) => (None, Err(error.into())),
    };
    write(id, outcome).into_bytes()
}

fn answer(line: &str) -> (Option<&str>, Outcome) {
    let Node::Object(object) = Node::of(line) else {
        return (None, Err(Refusal::INPUT));
    };
    let mut id = None;
    let mut operation = None;
    let mut question = Question {
        json: None,
        bytes: None,
    };
    for (name, value) in members(object) {
        match (&*name, Node::of(value)) {
            ("id", _) => id = Some(value),
            ("op", Node::Text(text)) => operation = Some(text),
            ("input", _) => question.json = Some(value),
            ("input_base64", Node::Text(text)) => match spelling::of_base64(&text) {
                Some(bytes) => question.bytes = Some(bytes),
                None => return (id, Err(Refusal::INPUT)),
            },
            _ => {}
        }
    }
    (
        id,
        operation
            .ok_or(Refusal::UNKNOWN)
            .and_then(|operation| ask(&operation, &question)),
    )
}

fn ask(operation: &str, question: &Question<'_>) -> Outcome {
    identity::ask(operation, question).unwrap_or(Err(Refusal::UNKNOWN))
}

impl Question<'_> {
    /// The bytes of a text.
    pub(crate) fn bytes(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        match (&self.bytes, self.json.map(Node::of)) {
            (Some(bytes), None) => Ok(Cow::Borrowed(bytes)),
            (None, Some(Node::Text(Cow::Borrowed(text)))) => Ok(Cow::Borrowed(text.as_bytes())),
            (None, Some(Node::Text(Cow::Owned(text)))) => Ok(Cow::Owned(text.into_bytes())),
            _ => Err(Refusal::INPUT),
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> Result<String, Refusal> {
        String::from_utf8(self.bytes()?.into_owned()).map_err(|_| Refusal::INPUT)
    }

    /// The bytes of a JSON text, written out or as the value that it stands for.
    pub(crate) fn document(&self) -> Result<Cow<'_, [u8]>, Refusal> {
        match self.json {
            Some(json) if !json.starts_with('"') => Ok(Cow::Borrowed(json.as_bytes())),
            _ => self.bytes(),
        }
    }

    /// A member of an input that is an object.
    pub(crate) fn member(&self, name: &str) -> Result<Option<Node<'_>>, Refusal> {
        match self.json.map(Node::of) {
            Some(Node::Object(object)) => Ok(members(object)
                .find(|member| member.0 == name)
                .map(|member| Node::of(member.1))),
            _ => Err(Refusal::INPUT),
        }
    }

    /// A member that is a string.
    pub(crate) fn text_member(&self, name: &str) -> Result<String, Refusal> {
        self.optional_text_member(name)?.ok_or(Refusal::INPUT)
    }

    /// A member that is a string, when it is there.
    pub(crate) fn optional_text_member(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.member(name)? {
            Some(Node::Text(text)) => Ok(Some(text.into_owned())),
            None => Ok(None),
            Some(_) => Err(Refusal::INPUT),
        }
    }

    /// A member that is an integer.
    pub(crate) fn integer_member(&self, name: &str) -> Result<i128, Refusal> {
        match self.member(name)? {
            Some(Node::Integer(integer)) => Ok(integer),
            _ => Err(Refusal::INPUT),
        }
    }
}

fn write(id: Option<&str>, outcome: Outcome) -> String {
    let mut line = String::from("{");
    if let Some(id) = id {
        line.push_str("\"id\":");
        line.push_str(id);
        line.push(',');
    }
    match outcome {
        Ok(answer) => {
            line.push_str("\"ok\":");
            match answer {
                Answer::Text(text) => push_string(&mut line, &text),
                Answer::Json(json) => line.push_str(&json),
                Answer::Integer(integer) => push_integer(&mut line, integer),
            }
        }
        Err(refusal) => {
            line.push_str("\"error\":{\"code\":");
            push_string(&mut line, refusal.code);
            if let Some(offset) = refusal.offset {
                line.push_str(",\"offset\":");
                push_integer(&mut line, i64::from(offset));
            }
            line.push('}');
        }
    }
    line.push('}');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_answered() {
        for (line, wanted) in [
            (
                r#"{"id":"7","op":"partition_key.parse","input":"date=d:2025-01-15"}"#,
                r#"{"id":"7","ok":{"date":{"type":"date","value":"2025-01-15"}}}"#,
            ),
            (
                r#"{"id":"8","op":"partition_key.parse","input":"b=n:null,a=n:null"}"#,
                r#"{"id":"8","error":{"code":"partition.unsorted","offset":9}}"#,
            ),
            (
                r#"{"op":"nothing","id":9}"#,
                r#"{"id":9,"error":{"code":"op.unknown"}}"#,
            ),
            (r#"{"id":9}"#, r#"{"id":9,"error":{"code":"op.unknown"}}"#),
            (
                r#"{"op":"ulid.parse","input":1}"#,
                r#"{"error":{"code":"op.input"}}"#,
            ),
            ("{", r#"{"error":{"code":"json.syntax","offset":1}}"#),
            (
                r#"{"op":"canonical_json","input_base64":"/w=="}"#,
                r#"{"error":{"code":"json.utf8","offset":0}}"#,
            ),
        ] {
            assert_eq!(
                String::from_utf8(answer_line(line.as_bytes())).unwrap(),
                wanted
            );
        }
    }
}
