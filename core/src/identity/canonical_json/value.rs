//! A value is written as the JSON text that it stands for; ordering and the remaining rules are the scanner's.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::{Limits, text};
use crate::identity::error::{Code, Error};

/// Writes JSON text without whitespace, members in the order in which they come.
pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut writer = Writer {
        out: String::with_capacity(128),
        depth: 0,
    };
    value.serialize(&mut writer)?;
    Ok(writer.out.into_bytes())
}

struct Writer {
    out: String,
    depth: u32,
}

/// A container that is being written.
struct Container<'a> {
    writer: &'a mut Writer,
    first: bool,
    /// What closes it, and the object of an enum variant around it.
    end: &'static str,
    levels: u32,
}

impl Writer {
    fn open(&mut self, start: char, end: &'static str) -> Result<Container<'_>, Error> {
        self.descend()?;
        self.out.push(start);
        Ok(Container {
            writer: self,
            first: true,
            end,
            levels: 1,
        })
    }

    fn open_variant(
        &mut self,
        variant: &str,
        start: char,
        end: &'static str,
    ) -> Result<Container<'_>, Error> {
        self.descend()?;
        self.descend()?;
        self.out.push('{');
        text::push_string(&mut self.out, variant);
        self.out.push(':');
        self.out.push(start);
        Ok(Container {
            writer: self,
            first: true,
            end,
            levels: 2,
        })
    }

    fn descend(&mut self) -> Result<(), Error> {
        if self.depth >= Limits::DEFAULT.max_depth {
            return Err(Error::new(Code::JsonDepth));
        }
        self.depth += 1;
        Ok(())
    }

    fn integer(&mut self, integer: i128) -> Result<(), Error> {
        let magnitude =
            u64::try_from(integer.unsigned_abs()).map_err(|_| Error::new(Code::JsonRange))?;
        if integer < i128::from(i64::MIN) {
            return Err(Error::new(Code::JsonRange));
        }
        if integer < 0 {
            self.out.push('-');
        }
        text::push_magnitude(&mut self.out, magnitude);
        Ok(())
    }
}

impl Container<'_> {
    fn separate(&mut self) {
        if !self.first {
            self.writer.out.push(',');
        }
        self.first = false;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.separate();
        value.serialize(&mut *self.writer)
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.separate();
        text::push_string(&mut self.writer.out, key);
        self.writer.out.push(':');
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.out.push_str(self.end);
        self.writer.depth -= self.levels;
    }
}

macro_rules! integers {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.integer(i128::from(value))
        }
    )*};
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Container<'a>;
    type SerializeTuple = Container<'a>;
    type SerializeTupleStruct = Container<'a>;
    type SerializeTupleVariant = Container<'a>;
    type SerializeMap = Container<'a>;
    type SerializeStruct = Container<'a>;
    type SerializeStructVariant = Container<'a>;

    integers! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64; serialize_i128 i128;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64;
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.integer(i128::try_from(value).map_err(|_| Error::new(Code::JsonRange))?)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Result<(), Error> {
        Err(Error::new(Code::JsonFloat))
    }

    fn serialize_f64(self, _: f64) -> Result<(), Error> {
        Err(Error::new(Code::JsonFloat))
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        text::push_string(&mut self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        let mut array = self.open('[', "]")?;
        for byte in value {
            array.element(byte)?;
        }
        array.finish();
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut object = self.open('{', "}")?;
        object.member(variant, value)?;
        object.finish();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'a>, Error> {
        self.open('[', "]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'a>, Error> {
        self.open('[', "]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Container<'a>, Error> {
        self.open('[', "]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, Error> {
        self.open_variant(variant, '[', "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Container<'a>, Error> {
        self.open('{', "}")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Container<'a>, Error> {
        self.open('{', "}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'a>, Error> {
        self.open_variant(variant, '{', "}}")
    }
}

macro_rules! containers {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

containers! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {$(
        impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.member(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Container<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate();
        let start = self.writer.out.len();
        key.serialize(&mut *self.writer)?;
        // Only strings start with a quote, so whatever else was written is no key.
        if self.writer.out.as_bytes().get(start) != Some(&b'"') {
            return Err(Error::new(Code::JsonKey));
        }
        self.writer.out.push(':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}
