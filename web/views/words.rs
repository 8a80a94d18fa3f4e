//! Wording and number formats that several views share.

use delaycast::{
    airports::Airports,
    flight::{CLASSES, Code, DelayClass},
};
use serde_json::Value;

use crate::{
    flight_form::codes_in,
    texts::{Texts, say},
};

/// Returns the text with its first letter in upper case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The share of a part of a whole; 0 of nothing.
pub(crate) fn share_of(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Reads one number for each class from a field of an answer's document.
pub(crate) fn numbers_by_class(value: &Value) -> Option<[f64; CLASSES]> {
    let numbers: Vec<f64> = value.as_array()?.iter().filter_map(Value::as_f64).collect();
    numbers.try_into().ok()
}

/// The name of a class of delay.
pub(crate) fn class_name(class: DelayClass, texts: Texts) -> String {
    match class {
        DelayClass::Early => say!(texts, "class-early"),
        DelayClass::SlightlyEarly => say!(texts, "class-slightly-early"),
        DelayClass::SlightlyLate => say!(texts, "class-slightly-late"),
        DelayClass::VeryLate => say!(texts, "class-very-late"),
    }
}

/// The names of all classes, as in a legend.
pub(crate) fn class_names(texts: Texts) -> [String; CLASSES] {
    DelayClass::ALL.map(|class| capitalized(&class_name(class, texts)))
}

/// The name of the airline that a text means, where it has one besides its code.
pub(crate) fn airline_name<'a>(text: &str, airports: &'a Airports) -> Option<&'a str> {
    let named = |code: Code| airports.airlines().find(|(known, name)| *known == code && *name != code.as_str());
    codes_in(text).find_map(named).map(|(_, name)| name)
}

/// The name of the airport that a text means, where it is known.
pub(crate) fn airport_name<'a>(text: &str, airports: &'a Airports) -> Option<&'a str> {
    codes_in(text).find_map(|code| airports.name_of(code))
}
