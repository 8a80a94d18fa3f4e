//! Lists of names with qualities, as `Accept-Encoding` and `Accept-Language` have them (RFC 9110, section 12.4.2).

use warp::http::{HeaderMap, HeaderName};

/// Returns the names of a header in lower case, in their order, each with its quality in thousandths.
pub(crate) fn qualities(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, u16)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let item = |item: &str| {
        let mut parts = item.split(';').map(|part| part.trim().to_ascii_lowercase());
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").map(quality));
        (name, quality.unwrap_or(1000))
    };
    values.flat_map(|value| value.split(',')).map(item).collect()
}

/// Reads a quality, in thousandths; what is none is 0.
fn quality(text: &str) -> u16 {
    match text.trim().parse::<f32>() {
        Ok(quality) if (0.0..=1.0).contains(&quality) => (quality * 1000.0).round() as u16,
        _ => 0,
    }
}
