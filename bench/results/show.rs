//! Numbers of a result, for its file and for a terminal.

use serde_json::{Number, Value};

use crate::numbers::significant;

/// Significant digits in a file; more would be noise.
const DIGITS: usize = 6;
/// Significant digits on a terminal.
const DIGITS_SHOWN: usize = 4;

/// Rounds all floating-point numbers.
pub(super) fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::Number(rounded_number(number)),
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(values) => values.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        other => other,
    }
}

fn rounded_number(number: Number) -> Number {
    let rounded = number.as_f64().and_then(|value| format!("{value:.*e}", DIGITS - 1).parse().ok());
    rounded.and_then(Number::from_f64).unwrap_or(number)
}

/// Prints values, those of one object in a line if they are numbers.
pub(super) fn print(values: &Value) {
    print_named("", values);
}

fn print_named(name: &str, value: &Value) {
    match value {
        Value::Object(values) if values.values().any(|value| value.is_object() || value.is_array()) => {
            for (inner, value) in values {
                let name = if name.is_empty() { inner.clone() } else { format!("{name}, {inner}") };
                print_named(&name, value);
            }
        }
        Value::Object(values) => {
            let numbers: Vec<String> = values.iter().map(|(name, value)| format!("{name} {}", scalar(value))).collect();
            println!("  {name}: {}", numbers.join(", "));
        }
        Value::Array(values) => println!("  {name}: {}", values.iter().map(scalar).collect::<Vec<_>>().join(" ")),
        scalar_value => println!("  {name}: {}", scalar(scalar_value)),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => significant(number.as_f64().unwrap_or_default(), DIGITS_SHOWN),
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::rounded;

    #[test]
    fn floating_point_numbers_keep_six_digits() {
        let values = json!({ "a": 151_937.239_48, "b": [0.000_123_456_789, 7], "c": null });
        assert_eq!(rounded(values), json!({ "a": 151_937.0, "b": [0.000_123_457, 7], "c": null }));
    }
}
