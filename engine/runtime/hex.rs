//! Bytes as hexadecimal digits.

/// Returns two lower-case digits for each byte.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// Returns the bytes of `2 * N` digits of either case; `None` for any other text.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    let digit = |character: u8| char::from(character).to_digit(16);
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let &[high, low] = digits else { return None };
        *byte = (digit(high)? << 4 | digit(low)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let bytes: [u8; 256] = std::array::from_fn(|index| index as u8);
        let text = encode(bytes);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"), "{text}");
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&text.to_uppercase()), Some(bytes));
        assert_eq!(encode([]), "");
    }

    #[test]
    fn other_texts_are_not_decoded() {
        for text in ["", "0", "000", "0g", "+1", "é"] {
            assert_eq!(decode::<1>(text), None, "{text}");
        }
    }
}
