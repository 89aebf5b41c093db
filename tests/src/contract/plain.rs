//! What time and chance put into an answer is replaced by its place of first appearance; everything else stays.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::contract::wire::Answer;

/// The names that a door has given so far.
#[derive(Debug, Default)]
pub struct Plain {
    base_url: String,
    seen: Vec<String>,
}

/// Headers of the connection, and the time.
const OF_THE_WAY: &[&str] = &[
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
];

impl Plain {
    /// A reader of the answers of the door at a base URL.
    #[must_use]
    pub fn new(base_url: &str) -> Plain {
        Plain {
            base_url: base_url.to_owned(),
            seen: Vec::new(),
        }
    }

    /// Status, headers and body as one text.
    pub fn shown(&mut self, answer: &Answer) -> String {
        let headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !OF_THE_WAY.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", self.text(value)))
            .collect();
        let body = self.text(&String::from_utf8_lossy(&answer.body));
        format!("{} [{}] {body}", answer.status, headers.join("; "))
    }

    fn text(&mut self, text: &str) -> String {
        let text = text.replace(&self.base_url, "<door>");
        let mut shown = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let word = rest
                .find(|c: char| !is_of_word(c))
                .map_or(rest, |end| &rest[..end]);
            if word.is_empty() {
                let first = rest.chars().next().map_or(1, char::len_utf8);
                shown.push_str(&rest[..first]);
                rest = &rest[first..];
            } else {
                let before = shown.len();
                let before = shown.get(before.saturating_sub(28)..).unwrap_or("");
                let word_shown = self.word(word, before);
                shown.push_str(&word_shown);
                rest = &rest[word.len()..];
            }
        }
        shown
    }

    fn word(&mut self, word: &str, before: &str) -> String {
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if word.len() == 26 && word.bytes().all(is_crockford) {
            self.name("id", word)
        } else if word.len() > 100 && word.matches('.').count() == 2 {
            self.token(word)
        } else if word.len() == 64 && is_hex && before.ends_with("chain\":\"") {
            "<chain>".to_owned()
        } else if word.len() == 64 && is_hex && before.ends_with("stateFingerprint\":\"sha256:") {
            "<state>".to_owned()
        } else if word.len() == 36
            && word.matches('-').count() == 4
            && !before.ends_with("\"id\":\"")
        {
            if before.ends_with("urn:uuid:") {
                "<instance>".to_owned()
            } else {
                self.name("uuid", word)
            }
        } else if word.len() == 55 && word.starts_with("00-") {
            "<trace>".to_owned()
        } else if word.len() == 13 && word.bytes().all(|byte| byte.is_ascii_digit()) {
            "<ms>".to_owned()
        } else {
            word.to_owned()
        }
    }

    /// A token as what it claims, without the times: two of one attempt are the same text when they were made within a second.
    fn token(&mut self, word: &str) -> String {
        let claims = word.split('.').nth(1).unwrap_or_default();
        let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).ok();
        let claims = claims.and_then(|claims| serde_json::from_slice(&claims).ok());
        let Some(Value::Object(mut claims)) = claims else {
            return self.name("token", word);
        };
        claims.retain(|name, _| !["iat", "exp", "nbf", "dl"].contains(&name.as_str()));
        format!("<token {}>", self.text(&Value::Object(claims).to_string()))
    }

    fn name(&mut self, kind: &str, word: &str) -> String {
        let place = self.seen.iter().position(|seen| seen == word);
        let place = place.unwrap_or_else(|| {
            self.seen.push(word.to_owned());
            self.seen.len() - 1
        });
        format!("<{kind} {place}>")
    }
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn is_crockford(byte: u8) -> bool {
    (byte.is_ascii_digit() || byte.is_ascii_uppercase()) && !b"ILOU".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_again_and_times_are_not_kept() {
        let mut plain = Plain::new("http://127.0.0.1:1");
        let answer = |body: &str| Answer {
            status: 200,
            headers: vec![
                ("date".to_owned(), "now".to_owned()),
                ("x".to_owned(), "y".to_owned()),
            ],
            body: body.as_bytes().to_vec(),
        };
        let first = answer(
            r#"{"run":"01ARZ3NDEKTSV4RRFFQ69G5FAV","at":1750000000000,"u":"http://127.0.0.1:1/x","n":17500}"#,
        );
        assert_eq!(
            plain.shown(&first),
            r#"200 [x: y] {"run":"<id 0>","at":<ms>,"u":"<door>/x","n":17500}"#
        );
        let second = answer(r#"["01ARZ3NDEKTSV4RRFFQ69G5FAW","01ARZ3NDEKTSV4RRFFQ69G5FAV"]"#);
        assert_eq!(plain.shown(&second), r#"200 [x: y] ["<id 1>","<id 0>"]"#);
    }

    #[test]
    fn two_tokens_of_one_attempt_are_one() {
        let mut plain = Plain::new("http://127.0.0.1:1");
        let token = |claims: &str, signature: &str| {
            let claims = BASE64URL_NOPAD.encode(claims.as_bytes());
            let header = "e".repeat(60);
            format!("{header}.{claims}.{}", signature.repeat(43))
        };
        let run = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let shown = r#"<token {"att":1,"run":"<id 0>"}>"#;
        for (time, signature) in [(1, "a"), (2, "b")] {
            let claims =
                format!(r#"{{"run":"{run}","att":1,"iat":{time},"exp":{time},"dl":{time}}}"#);
            assert_eq!(plain.text(&token(&claims, signature)), shown);
        }
    }
}
