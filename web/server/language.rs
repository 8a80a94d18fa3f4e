//! Negotiation of a language by `Accept-Language` (RFC 9110, section 12.5.4).

use warp::http::{HeaderMap, header};

use crate::quality::qualities;

/// Returns the language that a request likes best; `None` if it likes none of them.
///
/// A range such as `es-MX` takes `es`, as the lookup of RFC 4647 does. `*` is for the languages that are not named. Of
/// two with the same quality the one that is named first is taken.
pub fn preferred_language<'a>(headers: &HeaderMap, languages: &[&'a str]) -> Option<&'a str> {
    let liked = qualities(headers, &header::ACCEPT_LANGUAGE);
    let named = |language: &str| {
        let ranges = liked.iter().enumerate().filter(|(_, (range, _))| range.split('-').next() == Some(language));
        // Of several ranges the one that is liked most.
        ranges.min_by_key(|(at, (_, quality))| (u16::MAX - quality, *at))
    };
    let others = liked.iter().enumerate().find(|(_, (range, _))| range == "*");
    let all = languages.iter().filter_map(|language| {
        let (at, (_, quality)) = named(language).or(others)?;
        (*quality > 0).then_some((u16::MAX - quality, at, *language))
    });
    // The first of equal ones, as with `*` alone.
    all.min_by_key(|(dislike, at, _)| (*dislike, *at)).map(|(.., language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_taken() {
        for (accepted, expected) in [
            ("es", Some("es")),
            ("ES-mx", Some("es")),
            ("es-419,es;q=0.9,en;q=0.8", Some("es")),
            ("en-US,en;q=0.9,es;q=0.8", Some("en")),
            ("en;q=0.5, es;q=0.7", Some("es")),
            ("en;q=0.7, es;q=0.7", Some("en")),
            ("es;q=0.7, en;q=0.7", Some("es")),
            ("de, es;q=0.1", Some("es")),
            ("de, fr;q=0.9", None),
            ("est", None),
            ("*", Some("en")),
            ("en;q=0, *", Some("es")),
            ("en;q=0", None),
            ("es;q=0, en;q=0.001", Some("en")),
            ("es;q=0, es-MX;q=0.2", Some("es")),
            ("*;q=0.1, es;q=0.05", Some("en")),
            ("es;q=2, en;q=0.1", Some("en")),
            ("", None),
            (";;,,q=1", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accepted.parse().unwrap())]);
            assert_eq!(preferred_language(&headers, &["en", "es"]), expected, "{accepted}");
        }
        assert_eq!(preferred_language(&HeaderMap::new(), &["en", "es"]), None);
        let lines = ["fr", "es;q=0.4"].map(|line| (header::ACCEPT_LANGUAGE, line.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        assert_eq!(preferred_language(&headers, &["en", "es"]), Some("es"), "the lines are one list");
    }
}
