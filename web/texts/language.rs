//! The languages of the pages.

use serde::Serialize;
use server::preferred_language;
use warp::http::{HeaderMap, HeaderName, header};

/// The cookie with the language that a visitor has chosen. It holds a code of a language, and nothing else.
pub(crate) const COOKIE: &str = "language";
/// The header by which the script of a page asks for the texts of a JSON response in the page's language. All other
/// clients get English.
const OF_PAGE: HeaderName = HeaderName::from_static("delaycast-language");

/// A language of the pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Language {
    /// That of clients that ask for none of these.
    #[default]
    English,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::English, Language::Spanish];

    /// Returns its code (BCP 47).
    pub const fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Spanish => "es",
        }
    }

    /// Returns its name in itself.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Spanish => "Español",
        }
    }

    /// Returns the language of a code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Returns the language of the pages for a client: that of its cookie, else that which it likes best.
    pub(crate) fn of_page(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let chosen = pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, code)| Self::of_code(code));
        let liked = || preferred_language(headers, &Self::ALL.map(Self::code)).and_then(Self::of_code);
        chosen.or_else(liked).unwrap_or_default()
    }

    /// Returns the language of the texts in a JSON response.
    pub(crate) fn of_script(headers: &HeaderMap) -> Self {
        let sent = headers.get(OF_PAGE).and_then(|value| value.to_str().ok());
        sent.and_then(Self::of_code).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_cookie_goes_before_what_the_browser_likes() {
        let of = |cookie: &str, liked: &str| {
            Language::of_page(&headers(&[(header::COOKIE, cookie), (header::ACCEPT_LANGUAGE, liked)]))
        };
        assert_eq!(of("a=b; language=en", "es"), Language::English);
        assert_eq!(of("language=es", "en"), Language::Spanish);
        assert_eq!(of("xlanguage=en; language=tlh", "es-AR, en;q=0.3"), Language::Spanish);
        assert_eq!(of("", "de"), Language::English);
        assert_eq!(Language::of_page(&HeaderMap::new()), Language::English, "an old client");
    }

    #[test]
    fn json_is_english_unless_the_script_of_a_page_asks_otherwise() {
        assert_eq!(Language::of_script(&headers(&[(header::ACCEPT_LANGUAGE, "es")])), Language::English);
        assert_eq!(Language::of_script(&headers(&[(OF_PAGE, "es")])), Language::Spanish);
        assert_eq!(Language::of_script(&headers(&[(OF_PAGE, "x")])), Language::English);
    }
}
