//! A line is words, of which some are `name=value`, and a word between quotes may hold spaces.

use std::collections::VecDeque;

/// The words of a line, in order; a word may hold spaces between quotes.
#[derive(Clone, Debug, Default)]
pub struct Words(VecDeque<String>);

impl Words {
    /// Splits a line.
    ///
    /// # Errors
    /// When a quote is not closed.
    pub fn split(text: &str) -> Result<Words, String> {
        let mut words = VecDeque::new();
        let mut word = String::new();
        let (mut is_quoted, mut has_word) = (false, false);
        for letter in text.chars() {
            match letter {
                '"' => {
                    is_quoted = !is_quoted;
                    has_word = true;
                }
                _ if letter.is_whitespace() && !is_quoted => {
                    if has_word {
                        words.push_back(std::mem::take(&mut word));
                    }
                    has_word = false;
                }
                _ => {
                    word.push(letter);
                    has_word = true;
                }
            }
        }
        if is_quoted {
            return Err("a quote is not closed".to_owned());
        }
        if has_word {
            words.push_back(word);
        }
        Ok(Words(words))
    }

    /// The next word.
    ///
    /// # Errors
    /// What is missing.
    pub fn next(&mut self, what: &str) -> Result<String, String> {
        self.0
            .pop_front()
            .ok_or_else(|| format!("{what} is missing"))
    }

    /// The next word as a number.
    ///
    /// # Errors
    /// What is missing or is none.
    pub fn number<N: std::str::FromStr>(&mut self, what: &str) -> Result<N, String> {
        let word = self.next(what)?;
        word.parse()
            .map_err(|_| format!("`{word}` is no number: {what}"))
    }

    /// The next word when it is this one.
    pub fn take(&mut self, word: &str) -> bool {
        let is_next = self.0.front().is_some_and(|next| next == word);
        if is_next {
            self.0.pop_front();
        }
        is_next
    }

    /// The next word when it is no `name=value`.
    pub fn plain(&mut self) -> Option<String> {
        let is_plain = self
            .0
            .front()
            .is_some_and(|word| split_option(word).is_none());
        if is_plain { self.0.pop_front() } else { None }
    }

    /// The next word when it is a `name=value`.
    pub fn option(&mut self) -> Option<(String, String)> {
        let (name, value) = split_option(self.0.front()?)?;
        let pair = (name.to_owned(), value.to_owned());
        self.0.pop_front();
        Some(pair)
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// What is left.
    pub fn end(&self) -> Result<(), String> {
        match self.0.front() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is one word too many")),
        }
    }

    pub(super) fn push(&mut self, word: String) {
        self.0.push_back(word);
    }

    pub(super) fn rest(&mut self) -> Vec<String> {
        self.0.drain(..).collect()
    }
}

fn split_option(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((name, value))
}
