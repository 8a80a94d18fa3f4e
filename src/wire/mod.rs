//! Messages: the parts of decoding that requests and events share.
//!
//! A message is one JSON object. [`fields`] lists the fields of one kind of message, [`read()`] reads their values and
//! names the defects of a message that is no such object, and [`Raw`] reads a value as the type that a field has.

mod damage;
mod foreign;
mod iso;
mod json;
mod non_finite;
mod plain;
mod raw;
mod table;

pub(crate) use damage::{Damage, read};
pub(crate) use foreign::{FRAME_BYTES, Foreign, SCAN_BYTES_MAX};
pub(crate) use iso::IsoTime;
pub(crate) use non_finite::string_end;
pub(crate) use raw::{Raw, RawFields, Value, check_year, parse_date, schedule};
pub(crate) use table::{Table, fields};
