//! Content negotiation: a page, JSON, or JSON text as `text/html`.

use warp::http::{HeaderMap, header};

/// The media types of a request's `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepts {
    /// HTML is among them, as when a browser follows a link or sends a form.
    pub page: bool,
    /// All of them are JSON.
    pub json_alone: bool,
}

impl Accepts {
    /// Reads the headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let named: Vec<String> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(media_range)
            .collect();
        let is_json = |range: &String| range == "application/json" || range.ends_with("+json");
        let is_page = |range: &String| range == "text/html" || range == "application/xhtml+xml";
        Accepts { page: named.iter().any(is_page), json_alone: !named.is_empty() && named.iter().all(is_json) }
    }

    /// The content type under which JSON text is sent.
    pub fn json_type(self) -> &'static str {
        if self.json_alone { "application/json" } else { HTML }
    }
}

/// The content type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// Returns the media range without its parameters; `None` if it has `q=0`.
fn media_range(item: &str) -> Option<String> {
    let mut parts = item.split(';').map(|part| part.trim().to_ascii_lowercase());
    let range = parts.next().filter(|range| !range.is_empty())?;
    let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
    (!refused).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_the_old_page_and_json_clients_are_distinguished() {
        let cases = [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true, false),
            ("*/*", false, false),
            ("application/json, text/javascript, */*; q=0.01", false, false),
            ("application/json", false, true),
            ("Application/JSON; charset=utf-8, application/problem+json", false, true),
            ("application/json, text/html;q=0", false, true),
            ("", false, false),
        ];
        for (accept, page, json_alone) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(Accepts::of(&headers), Accepts { page, json_alone }, "{accept}");
        }
        assert_eq!(Accepts::of(&HeaderMap::new()), Accepts { page: false, json_alone: false });
    }
}
