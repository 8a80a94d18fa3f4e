//! Numbers as text.

/// A number with this many significant digits, and commas between thousands: 151937 is "152,000" with three.
pub(crate) fn significant(number: f64, digits: usize) -> String {
    // Rounded first: 9.996 has one more digit before the point afterwards.
    let rounded: f64 = format!("{number:.*e}", digits.saturating_sub(1)).parse().unwrap_or(number);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let before_point = rounded.abs().log10().floor() as i64 + 1;
    fixed(rounded, (digits as i64 - before_point).max(0) as usize)
}

/// A number with this many decimals, and commas between thousands.
pub(crate) fn fixed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// A number with three significant digits and a suffix from a hundred thousand on.
pub(crate) fn short(number: f64) -> String {
    match number {
        1e5.. => format!("{} M", significant(number / 1e6, 3)),
        1e3.. => format!("{} k", significant(number / 1e3, 3)),
        _ => significant(number, 3),
    }
}

/// A ratio with three significant digits, or as a whole number.
pub(crate) fn ratio(ratio: f64) -> String {
    if ratio < 1000.0 { significant(ratio, 3) } else { fixed(ratio, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_significant_digits_and_commas() {
        let cases = [
            (151_937.2, 3, "152,000"),
            (9.996, 3, "10.0"),
            (0.39123, 2, "0.39"),
            (1.0, 3, "1.00"),
            (1_234_567.0, 7, "1,234,567"),
            (-6.58, 2, "-6.6"),
            (0.0, 3, "0"),
        ];
        for (number, digits, text) in cases {
            assert_eq!(significant(number, digits), text);
        }
        assert_eq!(fixed(244_737.0, 0), "244,737");
        assert_eq!([352_000.0, 18_200.0, 92.1].map(short), ["0.352 M", "18.2 k", "92.1"]);
    }
}
