//! A type with members or names is a table; the loops that go by it are here, once.

use alloc::format;
use alloc::string::String;

use serde_json::{Map, Value};

use super::{Decode, Fault, Reader, Text};

/// The members of an object.
pub struct Table {
    /// What it is, for a refusal.
    pub what: &'static str,
    /// Their names, in the order of their slots.
    pub names: &'static [&'static str],
    /// One bit for each that must be there, the first in the lowest.
    pub needed: u64,
    /// Whether any other is refused.
    pub is_strict: bool,
}

/// Where the value of a member goes.
pub trait Slot {
    /// Reads the value.
    ///
    /// # Errors
    /// [`Fault`], when it does not fit.
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault>;
}

impl<T: Decode> Slot for T {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        *self = T::decode(reader)?;
        Ok(())
    }
}

/// A member that must be there. The table sees to it.
pub struct Needed<T>(Option<T>);

impl<T> Default for Needed<T> {
    fn default() -> Needed<T> {
        Needed(None)
    }
}

impl<T> Needed<T> {
    /// Not there yet.
    #[must_use]
    pub fn new() -> Needed<T> {
        Needed(None)
    }

    /// The value.
    ///
    /// # Errors
    /// When the table did not see to it.
    pub fn value(self) -> Result<T, Fault> {
        match self.0 {
            Some(value) => Ok(value),
            None => Err(lost()),
        }
    }
}

impl<T: Decode> Slot for Needed<T> {
    fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        self.0 = Some(T::decode(reader)?);
        Ok(())
    }
}

#[cold]
#[inline(never)]
fn lost() -> Fault {
    Fault::new(0, String::from("a table does not fit its type"))
}

/// Which name of several was read.
pub struct Choice {
    /// The place of the name in its table.
    pub place: usize,
    start: usize,
    has_content: bool,
}

impl Choice {
    /// Nothing comes with the name, but perhaps `null`.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    pub fn bare(&self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        if !self.has_content {
            return Ok(());
        }
        match reader.peek() {
            b'n' => reader.word("null"),
            _ => Err(reader.misfit("unit")),
        }
    }

    /// Something comes with the name.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    pub fn content(&self, expected: &str) -> Result<(), Fault> {
        if self.has_content {
            return Ok(());
        }
        let sentence = format!("invalid type: unit variant, expected {expected}");
        Err(Fault::new(self.start, sentence))
    }
}

/// A value that is read in several ways until one fits.
pub struct Trial {
    start: usize,
    depth: u32,
}

impl Trial {
    /// The value in one way, when it fits.
    pub fn value<T: Decode>(&self, reader: &mut Reader<'_>) -> Option<T> {
        reader.at = self.start;
        reader.depth = self.depth;
        T::decode(reader).ok()
    }

    /// The refusal of what fits in no way.
    #[must_use]
    pub fn none(&self, sentence: &str) -> Fault {
        Fault::new(self.start, String::from(sentence))
    }
}

impl Reader<'_> {
    /// Reads an object into the slots of its members, and says whether there are others.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    #[inline(never)]
    pub fn members(&mut self, table: &Table, slots: &mut [&mut dyn Slot]) -> Result<bool, Fault> {
        self.peek();
        let start = self.at;
        let mut seen = 0_u64;
        let mut has_others = false;
        self.each((b'{', b'}'), table.what, &mut |reader| {
            let at = reader.at;
            let name = reader.text("field identifier")?;
            let place = table.names.iter().position(|known| **known == *name);
            let slot = place.and_then(|place| Some((place, slots.get_mut(place)?)));
            if slot.is_none() && table.is_strict {
                return Err(unknown("field", &name, table.names, at));
            }
            reader.take(b':')?;
            reader.peek();
            let Some((place, slot)) = slot else {
                has_others = true;
                return reader.skip();
            };
            if seen & 1 << place != 0 {
                return Err(Fault::new(start, format!("duplicate field `{}`", &*name)));
            }
            seen |= 1 << place;
            slot.fill(reader)
        })?;
        let missing = table.needed & !seen;
        match table.names.get(missing.trailing_zeros() as usize) {
            Some(name) => Err(Fault::new(start, format!("missing field `{name}`"))),
            None => Ok(has_others),
        }
    }

    /// The members of an object that have none of these names.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    pub fn rest(&mut self, names: &[&str]) -> Result<Map<String, Value>, Fault> {
        // Taking names out of a map again would bring the code for that along, which nothing else of the door needs.
        let mut members = Map::new();
        self.each((b'{', b'}'), "a map", &mut |reader| {
            let name: String = reader.value()?;
            reader.take(b':')?;
            reader.peek();
            if names.contains(&name.as_str()) {
                return reader.skip();
            }
            members.insert(name, reader.value()?);
            Ok(())
        })?;
        Ok(members)
    }

    /// How far the text is read, to be gone back to.
    #[must_use]
    pub fn place(&self) -> usize {
        self.at
    }

    /// Goes to a place that was read before.
    pub fn go(&mut self, place: usize) {
        self.at = place;
    }

    /// The value that is next, to be read in several ways.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    pub fn trial(&mut self) -> Result<Trial, Fault> {
        self.peek();
        let (start, depth) = (self.at, self.depth);
        self.skip()?;
        Ok(Trial { start, depth })
    }

    /// The place of a name that stands for itself.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    #[inline(never)]
    pub fn name(&mut self, what: &str, names: &[&str]) -> Result<usize, Fault> {
        let choice = self.choose(what, names)?;
        choice.bare(self)?;
        self.chosen(&choice)?;
        Ok(choice.place)
    }

    /// One of several shapes: its name, or an object of its name and what belongs to it.
    ///
    /// # Errors
    /// [`Fault`], when it is otherwise.
    pub fn choice<T>(
        &mut self,
        what: &str,
        names: &[&str],
        read: &mut dyn FnMut(&mut Reader<'_>, &Choice) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let choice = self.choose(what, names)?;
        let value = read(self, &choice)?;
        self.chosen(&choice)?;
        Ok(value)
    }

    #[inline(never)]
    fn choose(&mut self, what: &str, names: &[&str]) -> Result<Choice, Fault> {
        let has_content = match self.peek() {
            b'"' => false,
            b'{' => true,
            _ => return Err(self.misfit(what)),
        };
        let start = self.at;
        if has_content {
            self.enter(b'{')?;
            self.peek();
        }
        let at = self.at;
        let name: Text<'_> = self.text("variant identifier")?;
        let Some(place) = names.iter().position(|known| **known == *name) else {
            return Err(unknown("variant", &name, names, at));
        };
        if has_content {
            self.take(b':')?;
            self.peek();
        }
        Ok(Choice {
            place,
            start,
            has_content,
        })
    }

    fn chosen(&mut self, choice: &Choice) -> Result<(), Fault> {
        if choice.has_content {
            self.leave(b'}')?;
        }
        Ok(())
    }

    /// The refusal of a place that no table has.
    #[must_use]
    pub fn lost(&self) -> Fault {
        lost()
    }
}

#[cold]
#[inline(never)]
fn unknown(kind: &str, name: &str, known: &[&str], at: usize) -> Fault {
    let mut sentence = format!("unknown {kind} `{name}`, ");
    match known {
        [] => sentence.push_str(&format!("there are no {kind}s")),
        [one] => sentence.push_str(&format!("expected `{one}`")),
        [one, other] => sentence.push_str(&format!("expected `{one}` or `{other}`")),
        several => {
            sentence.push_str("expected one of ");
            for (index, one) in several.iter().enumerate() {
                sentence.push_str(if index == 0 { "`" } else { ", `" });
                sentence.push_str(one);
                sentence.push('`');
            }
        }
    }
    Fault::new(at, sentence)
}
