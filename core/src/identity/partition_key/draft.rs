//! A key is written dimension by dimension, and only a dimension that comes out of order is moved.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{MAX_BYTES, MAX_DIMENSIONS, PartitionKey, Value};
use crate::identity::error::{Code, Error};

/// Bytes of a usual dimension.
const USUAL_BYTES: usize = 32;

/// The text of a key that is being written.
pub(super) struct Draft {
    text: Vec<u8>,
    count: usize,
    /// Where the greatest name stands.
    last: (usize, usize),
    repeated: bool,
}

impl Draft {
    /// A draft with room for so many usual dimensions.
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            text: Vec::with_capacity(dimensions.clamp(1, MAX_DIMENSIONS) * USUAL_BYTES),
            count: 0,
            last: (0, 0),
            repeated: false,
        }
    }

    /// How many dimensions stand in it.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Writes a dimension; the name has been checked.
    #[inline]
    pub(super) fn push(&mut self, name: &str, value: &Value) {
        let end = self.text.len();
        if self.count > 0 {
            self.text.push(b',');
        }
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        self.text.push(b'=');
        value.write(&mut self.text);
        let last = self.text.get(self.last.0..self.last.1).unwrap_or_default();
        if name.as_bytes() <= last {
            self.move_back(end, name.as_bytes());
        } else {
            self.last = (start, start + name.len());
        }
        self.count += 1;
    }

    /// Moves the dimension after `end`, with the comma before it, to where its name belongs.
    #[cold]
    fn move_back(&mut self, end: usize, name: &[u8]) {
        let mut place = 0;
        let before = self.text.get(..end).unwrap_or_default();
        for dimension in before.split(|&byte| byte == b',') {
            let earlier = dimension.split(|&byte| byte == b'=').next();
            match earlier.unwrap_or_default().cmp(name) {
                Ordering::Less => place += dimension.len() + 1,
                Ordering::Equal => {
                    self.repeated = true;
                    return;
                }
                Ordering::Greater => break,
            }
        }
        let moved = self.text.split_off(place);
        let (later, own) = moved.split_at(end - place);
        self.text
            .extend_from_slice(own.get(1..).unwrap_or_default());
        self.text.push(b',');
        self.text.extend_from_slice(later);
        self.last = (self.last.0 + own.len(), self.last.1 + own.len());
    }

    /// The key.
    ///
    /// # Errors
    /// `partition.empty`, `partition.duplicate`, `partition.too_long`.
    pub(super) fn finish(self) -> Result<PartitionKey, Error> {
        if self.count == 0 {
            return Err(Error::new(Code::PartitionEmpty));
        }
        if self.repeated {
            return Err(Error::new(Code::PartitionDuplicate));
        }
        if self.text.len() > MAX_BYTES {
            return Err(Error::new(Code::PartitionTooLong));
        }
        Ok(PartitionKey(
            String::from_utf8(self.text).unwrap_or_default(),
        ))
    }
}
