//! The pages in Spanish and in English: what is asked for, what is remembered, and that nothing is left untranslated.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use std::collections::BTreeMap;

use bytes::Bytes;
use common::{
    pages::{PAGES, doubles_of_pages},
    site::{BROWSER, CLASSIFY, FORM, PAGE, TestSite, form_with, header, json_of, site, text_of},
};
use delaycast_web::routes;
use warp::{http::Response, test::request};

fn site_of_pages() -> TestSite {
    let doubles = doubles_of_pages();
    let routes = routes(doubles.parts.clone()).unwrap();
    TestSite { doubles, routes }
}

/// Looks at a page as a browser that likes some languages, with a cookie.
async fn look(site: &TestSite, path: &str, liked: &str, cookie: &str) -> Response<Bytes> {
    let get = request().path(path).header("accept", BROWSER).header("accept-language", liked);
    site.send(if cookie.is_empty() { get } else { get.header("cookie", cookie) }).await
}

fn language_of(page: &Response<Bytes>) -> &str {
    let html = text_of(page).split_once("<html lang=\"").unwrap().1.split('"').next().unwrap();
    assert_eq!(html, header(page, "content-language"));
    html
}

/// Follows the link to another language, and returns the response.
async fn follow_switch(site: &TestSite, page: &Response<Bytes>) -> Response<Bytes> {
    let footer = text_of(page).split_once("<footer>").unwrap().1;
    let link = footer.split_once("<a href=\"").unwrap().1.split('"').next().unwrap();
    let link = link.replace("&#x3D;", "=").replace("&amp;", "&");
    site.get(&link, BROWSER).await
}

#[tokio::test]
async fn a_page_has_the_language_that_the_browser_likes_best() {
    let site = site();
    for (liked, expected) in [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-US,en;q=0.9,es;q=0.8", "en"),
        ("de,es;q=0.2,en;q=0.1", "es"),
        ("de,fr;q=0.9", "en"),
    ] {
        let page = look(&site, PAGE, liked, "").await;
        assert_eq!(language_of(&page), expected, "{liked}");
        assert_eq!(header(&page, "vary"), "Accept, Accept-Language, Cookie");
        assert_eq!((header(&page, "cache-control"), header(&page, "etag")), ("no-store", ""));
    }
    assert_eq!(language_of(&site.get(PAGE, BROWSER).await), "en", "an old client");
    for (path, status) in [("/nothing", 404), ("/airlines", 503), ("/on_time_performance", 400)] {
        let page = look(&site, path, "es", "").await;
        assert_eq!((page.status().as_u16(), language_of(&page)), (status, "es"), "{path}");
    }
}

#[tokio::test]
async fn the_link_in_the_footer_switches_the_language_and_keeps_the_address() {
    let site = site_of_pages();
    for path in [PAGE, "/flights/delays/predict_kafka?id=before", "/flights/search?Carrier=AA&start=0", "/nothing"] {
        let page = look(&site, path, "en", "").await;
        assert!(text_of(&page).contains(">Español</a>"), "{path}");
        let switched = follow_switch(&site, &page).await;
        assert_eq!((switched.status().as_u16(), header(&switched, "location")), (303, path));
        let cookie = header(&switched, "set-cookie").to_owned();
        assert_eq!(cookie, "language=es; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly");
        let cookie = cookie.split(';').next().unwrap();
        let spanish = look(&site, path, "en", cookie).await;
        assert_eq!(language_of(&spanish), "es", "{path}");
        let back = follow_switch(&site, &spanish).await;
        assert_eq!(header(&back, "location"), path);
        assert!(header(&back, "set-cookie").starts_with("language=en;"));
    }
}

#[tokio::test]
async fn a_switch_leads_to_no_other_site_and_leaves_the_apis_alone() {
    let site = site();
    for path in ["//evil.example/?lang=es", "/api/v1/airports?lang=es", "/v1/travel?lang=es", "/airlines?lang=tlh"] {
        let response = look(&site, path, "en", "").await;
        assert_ne!(response.status(), 303, "{path}");
        assert_eq!((header(&response, "location"), header(&response, "set-cookie")), ("", ""), "{path}");
    }
    let json = site.get("/total_flights.json?lang=es", "application/json").await;
    assert_eq!(header(&json, "set-cookie"), "");
}

#[tokio::test]
async fn json_is_english_for_all_but_the_script_of_a_page() {
    let site = site();
    let wrong = form_with("Origin", "Atlantis");
    let post = |language: &'static str, value: &'static str| {
        let post = request().method("POST").path(CLASSIFY).header("accept", "application/json");
        post.header("content-type", FORM).header("accept-language", "es").header(language, value).body(&wrong)
    };
    let plain = json_of(&site.send(post("x-none", "es")).await);
    let reason = "“Atlantis” is not an airport we know; choose one of the list, as in ATL";
    assert_eq!(plain["errors"][0]["reason"], reason);
    let script = json_of(&site.send(post("delaycast-language", "es")).await);
    let reason = "no conocemos el aeropuerto “Atlantis”; elija uno de la lista, como ATL";
    assert_eq!((&script["errors"][0]["field"], &script["errors"][0]["reason"]), (&"Origin".into(), &reason.into()));
}

#[tokio::test]
async fn a_refused_form_comes_back_as_its_own_page_in_its_language() {
    let site = site();
    for (action, path, heading) in [
        ("classify_realtime", PAGE, "¿Cuánto se retrasará este vuelo?"),
        ("regress", "/flights/delays/predict", "¿Cuántos minutos se retrasará este vuelo?"),
        ("classify", "/flights/delays/predict_batch", "Consulta para el lote diario"),
    ] {
        let action = format!("/flights/delays/predict/{action}");
        let post = request().method("POST").path(&action).header("accept", BROWSER).header("accept-language", "es");
        let page = site.send(post.header("content-type", FORM).body(form_with("Origin", "Atlantis"))).await;
        assert_eq!((page.status().as_u16(), language_of(&page)), (400, "es"));
        let html = text_of(&page);
        assert!(html.contains(&format!("<h1>{heading}</h1>")), "{action}: {html}");
        assert!(html.contains(&format!("action=\"{action}\"")), "{action}: {html}");
        assert!(html.contains("No conocemos el aeropuerto “Atlantis”; elija uno de la lista, como ATL."), "{html}");
        let switched = follow_switch(&site, &page).await;
        let location = header(&switched, "location");
        assert!(location.starts_with(&format!("{path}?")) && location.contains("Origin=Atlantis"), "{location}");
    }
}

#[tokio::test]
async fn the_navigation_marks_the_page_and_its_section() {
    let site = site_of_pages();
    for (path, marked) in [
        ("/airlines", r#"<a href="/airlines" aria-current="page">"#),
        ("/airline/AA", r#"<a href="/airlines" aria-current="true">"#),
        ("/delays", r#"<a href="/airlines" aria-current="true">"#),
        ("/ops", r#"<a href="/ops" aria-current="page">"#),
        ("/ops/dataflow", r#"<a href="/ops" aria-current="true">"#),
        ("/ops/dead-letters", r#"<a href="/ops" aria-current="true">"#),
        (PAGE, r#"<a class="mark" href="/flights/delays/predict_kafka" aria-current="page">"#),
    ] {
        let page = site.get(path, BROWSER).await;
        let top = text_of(&page).split_once("</header>").unwrap().0;
        assert!(top.contains(marked) && top.matches("aria-current").count() == 1, "{path}: {top}");
    }
}

/// The messages of a language that are one line without arguments.
fn plain_messages(language: &str) -> BTreeMap<String, String> {
    let folder = format!("{}/locales/{language}", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap();
    let texts: Vec<String> = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let messages = lines.filter(|line| !line.starts_with([' ', '#']) && !line.contains(['{', '<', '~']));
    messages.filter_map(|line| line.split_once(" = ")).map(|(key, text)| (key.to_owned(), text.to_owned())).collect()
}

#[tokio::test]
async fn no_english_text_is_left_on_a_spanish_page() {
    let site = site_of_pages();
    let (english, spanish) = (plain_messages("en"), plain_messages("es"));
    // Short words occur in names and in code.
    let differs = |key: &String, text: &String| text.contains(' ') && text.len() > 8 && spanish.get(key) != Some(text);
    let texts: Vec<&String> = english.iter().filter(|(key, text)| differs(key, text)).map(|(_, text)| text).collect();
    assert!(texts.len() > 100);
    for path in PAGES.into_iter().filter(|path| *path != "/ops") {
        let page = look(&site, path, "es", "").await;
        assert_eq!(language_of(&page), "es", "{path}");
        let html = text_of(&page).replace("&#x27;", "'");
        for text in &texts {
            assert!(!html.contains(text.as_str()), "{path} says {text:?}");
        }
    }
}

#[tokio::test]
async fn a_spanish_answer_is_whole() {
    let site = site_of_pages();
    let page = look(&site, "/flights/delays/predict_kafka?id=departed", "es", "").await;
    let html = text_of(&page);
    for shown in [
        "<h2>83\u{a0}%: menos de 30\u{a0}minutos de retraso</h2>",
        "martes, 22 de enero de 2013",
        "Salió con 45 minutos de retraso",
        "Se prevén 4\u{a0}minutos de retraso: ocho de cada diez vuelos así llegan entre 14\u{a0}minutos antes y \
         45\u{a0}minutos después de lo previsto.",
        "De todos los vuelos, el 92\u{a0}% aterriza con menos de 30 minutos de retraso.",
        "El retraso de 45 minutos en la salida reduce la probabilidad del 87\u{a0}% al 83\u{a0}%.",
        "Menos seguro de lo habitual: los datos de entrenamiento no tienen vuelos de esta aerolínea.",
        "3442\u{a0}km de ATL a SFO",
        "Según 34 vuelos importados, del 1 de enero de 2013 al 30 de enero de 2013:",
    ] {
        assert!(html.contains(shown), "{shown}: {html}");
    }
}
