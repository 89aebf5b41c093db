//! Two ULIDs of one generator are strictly increasing, whatever the clock does.

use super::Generator;
use super::ulid::Ulid;
use crate::identity::error::{Code, Error};

const RANDOM_BITS: u32 = 80;

impl Generator {
    /// A generator that has made nothing.
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// A generator that goes on after `last`.
    pub const fn after(last: Ulid) -> Self {
        Self { last: Some(last) }
    }

    /// The next ULID, for the time in milliseconds since 1970 and 80 random bits.
    ///
    /// # Errors
    /// `id.time` from 2^48 milliseconds on; `id.exhausted` when the 80 bits of a millisecond are used up. The
    /// generator is then as it was.
    pub fn generate(&mut self, ms: u64, random: [u8; 10]) -> Result<Ulid, Error> {
        let fresh = Ulid::from_parts(ms, random)?;
        let next = match self.last {
            Some(last) if ms <= last.timestamp_ms() => increment(last)?,
            _ => fresh,
        };
        self.last = Some(next);
        Ok(next)
    }
}

fn increment(ulid: Ulid) -> Result<Ulid, Error> {
    let bits = u128::from_be_bytes(ulid.to_bytes());
    let mask = (1 << RANDOM_BITS) - 1;
    if bits & mask == mask {
        return Err(Error::new(Code::IdExhausted));
    }
    Ok(Ulid::from_bytes((bits + 1).to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_increase_within_a_millisecond_and_when_the_clock_goes_back() {
        let mut generator = Generator::new();
        let first = generator.generate(1_000, [9; 10]).unwrap();
        let second = generator.generate(1_000, [0; 10]).unwrap();
        let third = generator.generate(999, [255; 10]).unwrap();
        let fourth = generator.generate(1_001, [0; 10]).unwrap();
        assert!(first < second && second < third && third < fourth);
        assert_eq!(second.random(), [9, 9, 9, 9, 9, 9, 9, 9, 9, 10]);
        assert_eq!(third.timestamp_ms(), 1_000);
        assert_eq!(fourth, Ulid::from_parts(1_001, [0; 10]).unwrap());
    }

    #[test]
    fn the_random_part_never_wraps() {
        let mut generator = Generator::after(Ulid::from_parts(5, [255; 10]).unwrap());
        assert_eq!(
            generator.generate(5, [0; 10]),
            Err(Error::new(Code::IdExhausted))
        );
        assert_eq!(
            generator.generate(1 << 48, [0; 10]),
            Err(Error::new(Code::IdTime))
        );
        assert_eq!(generator.generate(6, [0; 10]), Ulid::from_parts(6, [0; 10]));
    }
}
