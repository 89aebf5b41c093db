//! A selection is an expression over the asset graph, and it names assets, never tasks.
//!
//! ```text
//! selection    = [ "!" ] conjunction { [ "-" | "!" ] conjunction }
//! conjunction  = member { "&" member }
//! member       = [ [ depth ] "+" ] base [ "+" [ depth ] ]
//! base         = "*" | namespace "/" name | prefix "*" | "tag:" tag | "(" selection ")"
//! ```
//!
//! Conjunctions that stand side by side are united, from left to right; `-` with space on both sides, or `!`,
//! takes the next one away from what stands before it. A leading `!` takes away from everything. `+` before a
//! member adds what it needs, `+` after it adds what needs it; a number bounds the steps. `&` binds tighter than
//! union and difference. The members of a list are united.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::plan::catalog::{AssetIndex, Catalog};
use crate::plan::step::step as count_step;
use crate::plan::suggestion;
use crate::wire::finding::Finding;
use crate::wire::trigger::Selection;
use set::Set;

mod set;

/// Parentheses that may stand within each other.
const MAX_DEPTH: u32 = 32;
/// Members of a selection in all.
const MAX_MEMBERS: u32 = 20_000;
/// Members of a selection with a `+`: each may walk the whole graph.
const MAX_WALKS: u32 = 256;

/// The assets that a selection names, in the order of their keys.
pub fn select(catalog: &Catalog, selection: &Selection) -> Result<Vec<AssetIndex>, Finding> {
    let mut budget = Budget {
        members: MAX_MEMBERS,
        walks: MAX_WALKS,
    };
    let mut chosen = Set::empty(catalog);
    for (pointer, text) in selection.expressions() {
        let mut reader = Reader {
            catalog,
            text,
            at: 0,
            pointer: &pointer,
            budget: &mut budget,
        };
        let part = reader.whole()?;
        chosen.unite(&part);
    }
    Ok(chosen.indexes())
}

struct Budget {
    members: u32,
    walks: u32,
}

enum Direction {
    Up,
    Down,
}

struct Reader<'a> {
    catalog: &'a Catalog,
    text: &'a str,
    at: usize,
    pointer: &'a str,
    budget: &'a mut Budget,
}

impl Reader<'_> {
    fn whole(&mut self) -> Result<Set, Finding> {
        let set = self.selection(0)?;
        if self.at < self.text.len() {
            return Err(self.unexpected());
        }
        Ok(set)
    }

    fn selection(&mut self, depth: u32) -> Result<Set, Finding> {
        self.skip_space();
        let mut set = if self.peek() == Some(b'!') {
            Set::whole(self.catalog)
        } else {
            self.conjunction(depth)?
        };
        loop {
            let spaced = self.skip_space();
            match self.peek() {
                None | Some(b')') => return Ok(set),
                Some(b'!') => {
                    self.at += 1;
                    set.subtract(&self.conjunction(depth)?);
                }
                Some(b'-') if spaced => {
                    self.at += 1;
                    if !self.skip_space() {
                        return Err(self.unexpected());
                    }
                    set.subtract(&self.conjunction(depth)?);
                }
                Some(_) if spaced => set.unite(&self.conjunction(depth)?),
                Some(_) => return Err(self.unexpected()),
            }
        }
    }

    fn conjunction(&mut self, depth: u32) -> Result<Set, Finding> {
        let mut set = self.member(depth)?;
        loop {
            let before = self.at;
            self.skip_space();
            if self.peek() != Some(b'&') {
                self.at = before;
                return Ok(set);
            }
            self.at += 1;
            set.intersect(&self.member(depth)?);
        }
    }

    fn member(&mut self, depth: u32) -> Result<Set, Finding> {
        self.skip_space();
        self.spend_member()?;
        let before = self.at;
        let number = self.number()?;
        let up = if self.take(b'+') {
            Some(number.unwrap_or(u32::MAX))
        } else {
            self.at = before;
            None
        };
        let mut set = self.base(depth)?;
        let down = if self.take(b'+') {
            Some(self.number()?.unwrap_or(u32::MAX))
        } else {
            None
        };
        let base = set.indexes_if(up.is_some() || down.is_some());
        if let Some(steps) = up {
            self.walk(&mut set, &base, steps, &Direction::Up)?;
        }
        if let Some(steps) = down {
            self.walk(&mut set, &base, steps, &Direction::Down)?;
        }
        Ok(set)
    }

    fn base(&mut self, depth: u32) -> Result<Set, Finding> {
        match self.peek() {
            Some(b'(') => self.group(depth),
            Some(byte) if is_word(byte) => self.word(),
            _ => Err(self.unexpected()),
        }
    }

    fn group(&mut self, depth: u32) -> Result<Set, Finding> {
        if depth == MAX_DEPTH {
            return Err(self.too_much("parentheses within each other", MAX_DEPTH));
        }
        self.at += 1;
        let set = self.selection(depth + 1)?;
        if !self.take(b')') {
            return Err(self.unexpected());
        }
        Ok(set)
    }

    fn word(&mut self) -> Result<Set, Finding> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|&byte| is_word(byte)).count();
        let word = &rest[..length];
        let set = if let Some(tag) = word.strip_prefix("tag:") {
            self.tagged(tag)?
        } else if let Some(prefix) = word.strip_suffix('*') {
            self.prefixed(prefix)?
        } else {
            self.named(word)?
        };
        self.at += length;
        Ok(set)
    }

    fn named(&self, key: &str) -> Result<Set, Finding> {
        let Some(asset) = self.catalog.find_text(key) else {
            let keys = self
                .catalog
                .indexes()
                .map(|asset| self.catalog.asset(asset).key.as_str());
            return Err(Finding::new(
                "plan.unknown_asset",
                self.pointer,
                format!("there is no asset `{key}`"),
                suggestion::hint(key, keys, "an asset is written `namespace/name`"),
            ));
        };
        let mut set = Set::empty(self.catalog);
        set.insert(asset);
        Ok(set)
    }

    fn prefixed(&self, prefix: &str) -> Result<Set, Finding> {
        if prefix.contains('*') {
            return Err(self.unexpected());
        }
        let assets = self.catalog.with_prefix(prefix);
        if assets.is_empty() && !prefix.is_empty() {
            return Err(Finding::new(
                "plan.no_match",
                self.pointer,
                format!("no asset's key starts with `{prefix}`"),
                "a `*` at the end stands for any rest of the key, as in `raw/*`",
            ));
        }
        let mut set = Set::empty(self.catalog);
        assets.map(AssetIndex).for_each(|asset| {
            set.insert(asset);
        });
        Ok(set)
    }

    fn tagged(&self, tag: &str) -> Result<Set, Finding> {
        let Some(assets) = self.catalog.tagged(tag) else {
            return Err(Finding::new(
                "plan.unknown_tag",
                self.pointer,
                format!("no asset has the tag `{tag}`"),
                suggestion::hint(
                    tag,
                    self.catalog.tags(),
                    "tags are declared by the assets of the manifest",
                ),
            ));
        };
        let mut set = Set::empty(self.catalog);
        for &asset in assets {
            set.insert(asset);
        }
        Ok(set)
    }

    /// Adds what is within `steps` of `base` in one direction.
    fn walk(
        &mut self,
        set: &mut Set,
        base: &[AssetIndex],
        steps: u32,
        direction: &Direction,
    ) -> Result<(), Finding> {
        self.budget.walks = match self.budget.walks.checked_sub(1) {
            Some(rest) => rest,
            None => return Err(self.too_much("members with a `+`", MAX_WALKS)),
        };
        let mut seen = Set::empty(self.catalog);
        let mut queue: VecDeque<(AssetIndex, u32)> = base.iter().map(|&asset| (asset, 0)).collect();
        for &asset in base {
            seen.insert(asset);
        }
        while let Some((asset, step)) = queue.pop_front() {
            if step == steps {
                continue;
            }
            let mut visit = |next: AssetIndex| {
                count_step();
                if seen.insert(next) {
                    queue.push_back((next, step + 1));
                }
            };
            match direction {
                Direction::Up => self
                    .catalog
                    .links(asset)
                    .iter()
                    .for_each(|link| visit(link.upstream)),
                Direction::Down => self
                    .catalog
                    .downstreams(asset)
                    .iter()
                    .copied()
                    .for_each(visit),
            }
        }
        set.unite(&seen);
        Ok(())
    }

    fn number(&mut self) -> Result<Option<u32>, Finding> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return Ok(None);
        }
        let number = rest[..length].parse().map_err(|_| self.unexpected())?;
        self.at += length;
        Ok(Some(number))
    }

    fn spend_member(&mut self) -> Result<(), Finding> {
        match self.budget.members.checked_sub(1) {
            Some(rest) => self.budget.members = rest,
            None => return Err(self.too_much("members", MAX_MEMBERS)),
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Whether there was any.
    fn skip_space(&mut self) -> bool {
        let before = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.at > before
    }

    fn unexpected(&self) -> Finding {
        let found = match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            Some(character) => format!("`{character}` is not expected at byte {}", self.at),
            None => String::from("the selection ends too early"),
        };
        Finding::new(
            "plan.selection_syntax",
            self.pointer,
            found,
            "combine keys, `tag:name` and `prefix*` by space, `&`, ` - ` and parentheses, with `+` for the graph",
        )
    }

    fn too_much(&self, what: &str, limit: u32) -> Finding {
        Finding::new(
            "plan.selection_limit",
            self.pointer,
            format!("the selection has more than {limit} {what}"),
            "use a tag or a prefix instead",
        )
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'*' | b':' | b'-')
}
