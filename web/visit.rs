//! A request for a page: its query, its language, and its address in another one.
//!
//! A link in the footer leads to the page's own address with `lang`, where [`switched`] sets the cookie of the language
//! and leads back: so the language works without JavaScript, and the address of a page does not tell it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use server::Accepts;
use warp::{
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    reply::Response,
};

use crate::{
    flight_form::{FlightForm, PHRASE},
    form_page::FormPage,
    render::View,
    reply,
    state::AppState,
    texts::{COOKIE, Language, Texts},
};

/// The parameter that switches the language.
const SWITCH: &str = "lang";
/// The time for which a browser keeps the language, in seconds: a year.
const KEPT_S: u32 = 31_536_000;

/// A request for a page.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) query: String,
    pub(crate) texts: Texts,
    /// The address of the page: its path, and the query if there is one.
    address: String,
}

impl Visit {
    pub(crate) fn new(path: &str, query: String, headers: &HeaderMap) -> Self {
        let address = address_of(path, &query);
        Visit { texts: Texts::of(Language::of_page(headers)), query, address }
    }

    /// The same for the page of a form that was posted, whose own address takes no GET.
    pub(crate) fn of_form(self, page: FormPage, form: &FlightForm) -> Self {
        let fields = form.texts().map(|(field, text)| (field.name(), text));
        let all = [(PHRASE, form.phrase.as_str())].into_iter().chain(fields).chain(form.weather.filled());
        let filled = all.filter(|(_, text)| !text.is_empty());
        let query: Vec<String> =
            filled.map(|(name, text)| format!("{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC))).collect();
        Visit { address: address_of(page.path(), &query.join("&")), ..self }
    }

    /// Responds with the page of a view.
    pub(crate) fn page<V: View>(&self, status: StatusCode, view: &V, state: &AppState) -> Response {
        let switch_url = |language: Language| {
            let separator = if self.address.contains('?') { '&' } else { '?' };
            format!("{}{separator}{SWITCH}={}", self.address, language.code())
        };
        reply::page(status, self.texts.language, state.renderer.render(view, self.texts, switch_url))
    }
}

fn address_of(path: &str, query: &str) -> String {
    let query = without_switch(query);
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn without_switch(query: &str) -> String {
    let others = query.split('&').filter(|pair| pair.split('=').next() != Some(SWITCH) && !pair.is_empty());
    others.collect::<Vec<_>>().join("&")
}

/// Responds to a request that switches the language; `None` if it does not. It leads to the same address of this site
/// without the parameter.
pub(crate) fn switched(method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Option<Response> {
    let wanted = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == SWITCH);
    let language = Language::of_code(wanted?.1)?;
    let is_of_page = (method == Method::GET || method == Method::HEAD) && Accepts::of(headers).page;
    // A browser takes what begins with two slashes for another site.
    let is_of_site = path.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if !is_of_page || !is_of_site {
        return None;
    }
    let cookie = format!("{COOKIE}={}; Path=/; Max-Age={KEPT_S}; SameSite=Lax; HttpOnly", language.code());
    let mut response = reply::redirect(StatusCode::SEE_OTHER, &address_of(path, query));
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser() -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/html"))])
    }

    fn location(method: &Method, path: &str, query: &str) -> Option<String> {
        let response = switched(method, path, query, &browser())?;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        Some(response.headers()[header::LOCATION].to_str().unwrap().to_owned())
    }

    #[test]
    fn a_switch_leads_to_the_same_address_and_to_no_other_site() {
        let to = |path: &str, query: &str| location(&Method::GET, path, query);
        assert_eq!(to("/airlines", "lang=es").as_deref(), Some("/airlines"));
        assert_eq!(to("/a", "id=b%2Fc&lang=en&x=1").as_deref(), Some("/a?id=b%2Fc&x=1"));
        assert_eq!(to("/a", "lang=es&lang=en").as_deref(), Some("/a"));
        for (path, query) in [
            ("//evil.example/", "lang=es"),
            ("/\\evil.example/", "lang=es"),
            ("/a", "lang=tlh"),
            ("/a", "lang="),
            ("/a", "xlang=es"),
            ("/a", ""),
        ] {
            assert_eq!(to(path, query), None, "{path}?{query}");
        }
        assert_eq!(location(&Method::POST, "/a", "lang=es"), None);
        assert!(switched(&Method::GET, "/a", "lang=es", &HeaderMap::new()).is_none(), "a client of JSON");
    }

    #[test]
    fn the_cookie_has_the_code_of_the_language_and_nothing_else() {
        let response = switched(&Method::GET, "/a", "lang=es", &browser()).unwrap();
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie, "language=es; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
        let again = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("language=es"))]);
        assert_eq!(Visit::new("/a", String::new(), &again).texts.language, Language::Spanish);
    }

    #[test]
    fn a_form_that_was_posted_is_switched_at_the_address_of_its_page() {
        let mut form = FlightForm::default();
        form.phrase = "B6 915 & more".to_owned();
        form.set(delaycast::request::Field::Follow, "true");
        let visit = Visit::new("/posted", String::new(), &HeaderMap::new()).of_form(FormPage::Minutes, &form);
        assert_eq!(visit.address, "/flights/delays/predict?Flight=B6%20915%20%26%20more&Follow=true");
    }
}
