//! Every page in a real Chromium: axe-core finds nothing wrong in either colour scheme, nothing scrolls sideways down
//! to 320 pixels, nothing moves once it is drawn, and the keyboard reaches everything in order.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::{
    axe,
    browser::{self, Browser, View},
    evaluation,
    http_server::Server,
    pages::{FORM, PAGES, doubles_of_pages},
};
use delaycast_web::{Config, Language, render_report};
use serde_json::json;

const DESKTOP: View = View { width: 1280, dark: false, javascript: true };
/// Upper bound on the layout shift of a page. A text of which a half has come may take another line with its rest: that
/// is less than a thousandth of what the window shows. Google calls a tenth good (web.dev/articles/cls).
const SHIFT_MAX: f64 = 0.001;
const WIDTHS: [u32; 3] = [1280, 390, 320];
/// The widths at which pages are saved as pictures, if the environment asks for it.
const SAVED: [u32; 2] = [1280, 390];
/// With this variable set, the pages are saved in `target/screenshots/pages/`.
const SCREENSHOTS: &str = "DELAYCAST_SCREENSHOTS";

/// Looks at an address in all widths and both colour schemes.
fn check(browser: &mut Browser, url: &str, axe: Option<&str>, faults: &mut Vec<String>) {
    for width in WIDTHS {
        for dark in [false, true] {
            check_view(browser, url, View { width, dark, ..DESKTOP }, axe, faults);
        }
    }
}

fn check_view(browser: &mut Browser, url: &str, view: View, axe: Option<&str>, faults: &mut Vec<String>) {
    browser.look(view);
    browser.open(url);
    let mut found = Vec::new();
    if browser.overhang() > 0 {
        found.push(format!("{} pixels wider than the window", browser.overhang()));
    }
    let shift = browser.layout_shift();
    if shift > SHIFT_MAX {
        found.push(format!("its parts move: {shift}"));
    }
    found.extend(axe.iter().flat_map(|axe| axe::violations(browser, axe)));
    let scheme = if view.dark { "dark" } else { "light" };
    faults.extend(found.iter().map(|fault| format!("{url} at {} {scheme}: {fault}", view.width)));
}

/// Saves pages as pictures, if the environment asks for it. After all checks: a picture is larger than the window, and
/// the next page may be drawn in both sizes.
fn save(browser: &mut Browser, server: &Server) {
    if std::env::var(SCREENSHOTS).is_err() {
        return;
    }
    for path in PAGES {
        let name = path.trim_start_matches('/').replace(|it: char| !it.is_ascii_alphanumeric(), "-");
        for (width, dark) in SAVED.into_iter().flat_map(|width| [(width, false), (width, true)]) {
            browser.look(View { width, dark, ..DESKTOP });
            browser.open(&format!("http://{}{path}", server.address));
            browser.screenshot(&format!("pages/{name}"));
        }
    }
}

#[test]
fn no_page_breaks_a_rule_of_accessibility_scrolls_sideways_or_moves() {
    let server = Server::with(doubles_of_pages());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let (axe, mut faults) = (axe::script(), Vec::new());
    for path in PAGES {
        check(&mut browser, &format!("http://{}{path}", server.address), axe.as_deref(), &mut faults);
    }
    save(&mut browser, &server);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Its words are longer, its markup is the same: so one scheme, and the widths at both ends.
#[test]
fn no_spanish_page_breaks_a_rule_scrolls_sideways_or_moves() {
    let server = Server::with(doubles_of_pages());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let (axe, mut faults) = (axe::script(), Vec::new());
    browser.open(&format!("http://{}{FORM}?lang=es", server.address));
    for path in PAGES {
        for width in [1280, 320] {
            let url = format!("http://{}{path}", server.address);
            check_view(&mut browser, &url, View { width, ..DESKTOP }, axe.as_deref(), &mut faults);
        }
        assert_eq!(browser.execute("return document.documentElement.lang;", json!([])), "es", "{path}");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A page is drawn while it comes, in several parts.
#[test]
fn nothing_moves_while_a_page_comes_slowly() {
    let server = Server::with(doubles_of_pages());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    browser.open(&format!("http://{}{FORM}", server.address));
    browser.slow_down(16_000);
    let mut faults = Vec::new();
    for path in PAGES {
        for width in [1280, 390] {
            browser.look(View { width, ..DESKTOP });
            browser.open(&format!("http://{}{path}", server.address));
            let shift = browser.layout_shift();
            if shift > SHIFT_MAX {
                faults.push(format!("{path} at {width}: its parts move: {shift}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_report_and_the_history_in_preparation_break_no_rule_either() {
    let server = Server::start(Config::default());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let (axe, mut faults) = (axe::script(), Vec::new());
    let flights = evaluation::flights(80);
    let (training, held_out) = flights.split_at(1200);
    let report = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    let html = render_report(&evaluation::report(training, held_out, 100), Language::English).unwrap();
    std::fs::write(report.path(), html).unwrap();
    for url in [format!("http://{}/airlines", server.address), format!("file://{}", report.path().display())] {
        check(&mut browser, &url, axe.as_deref(), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_keyboard_reaches_everything_in_order_and_shows_where_it_is() {
    let server = Server::with(doubles_of_pages());
    let Some(browser) = browser::start(DESKTOP) else { return };
    browser.open(&format!("http://{}{FORM}", server.address));
    let expected =
        ["delaycast", "History", "Operations", "Flight", "Ask", "Follow", "Airports, airline and day one by one"];
    for expected in expected {
        assert_eq!(browser.tab(), expected);
        let outline = browser.execute("return getComputedStyle(document.activeElement).outlineStyle;", json!([]));
        assert_ne!(outline, "none", "{expected} shows that it has the focus");
    }
}

#[test]
fn flights_of_the_history_stand_below_the_form_on_wide_screens_and_below_the_answer_on_others() {
    let server = Server::with(doubles_of_pages());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let places = "return ['form', '.answer', '.history'].map((css) => { \
                  const { left, top, right, bottom } = document.querySelector(css).getBoundingClientRect(); \
                  return [left, top, right, bottom].map(Math.round); });";
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        browser.look(View { width, dark, ..DESKTOP });
        browser.open(&format!("http://{}{FORM}?id=followed", server.address));
        let places = browser.execute(places, json!([]));
        let side = |part: usize, side: usize| places[part][side].as_i64().unwrap();
        let [form, answer, history] = [0, 1, 2];
        let above = if width == 1280 { form } else { answer };
        assert!(side(history, 1) > side(above, 3), "below: {places}");
        assert_eq!(side(history, 0), side(above, 0), "in its column: {places}");
        assert_eq!(width == 1280, side(answer, 0) > side(form, 2), "side by side: {places}");
        browser.screenshot("19-history-beside-an-answer");
    }
}

#[test]
fn rows_of_flights_are_as_wide_as_their_table_and_no_text_runs_into_the_next_column() {
    let server = Server::with(doubles_of_pages());
    let Some(mut browser) = browser::start(DESKTOP) else { return };
    let script = "const table = document.querySelector('.flights'); \
                  const rows = [...table.querySelectorAll('tbody tr')]; \
                  const narrow = rows.filter((row) => row.clientWidth < 0.95 * table.clientWidth); \
                  const cells = rows.flatMap((row) => [...row.cells]); \
                  const cut = cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1); \
                  return [rows.length > 0, narrow.length, cut.map((cell) => cell.textContent)];";
    let batch = "/flights/delays/predict_batch/results/2026-11-28";
    for path in ["/flights/search", "/airplane/N14228", "/flights/ATL/SFO/2013-01-04", batch] {
        for width in [1280, 720, 390, 320] {
            browser.look(View { width, ..DESKTOP });
            browser.open(&format!("http://{}{path}", server.address));
            assert_eq!(browser.execute(script, json!([])), json!([true, 0, []]), "{path} at {width}");
        }
    }
}

#[test]
fn paper_has_the_answer_without_the_form_and_forced_colours_keep_the_four_classes_apart() {
    let server = Server::with(doubles_of_pages());
    let Some(browser) = browser::start(DESKTOP) else { return };
    browser.open(&format!("http://{}{FORM}?id=followed", server.address));
    let is_shown = |css: &str| {
        browser.execute("return document.querySelector(arguments[0]).checkVisibility();", json!([css])) == true
    };
    assert!(is_shown("form") && is_shown("nav") && is_shown("#result h2"));
    browser.emulate("print", false);
    assert!(!is_shown("form") && !is_shown("nav") && is_shown("#result h2") && is_shown(".map svg"));
    browser.screenshot("15-print");
    browser.emulate("", true);
    let colours = "return [...document.querySelectorAll('.bar rect')].map((it) => getComputedStyle(it).fill) \
                   .concat([...document.querySelectorAll('.legend li')] \
                   .map((it) => getComputedStyle(it, '::before').backgroundColor));";
    let colours = browser.execute(colours, json!([]));
    let (bars, legend) = colours.as_array().unwrap().split_at(4);
    assert_eq!(bars, legend, "a bar has the colour of its line in the legend");
    assert!((1..4).all(|at| !bars[..at].contains(&bars[at])), "{bars:?}");
    let underlined = "return getComputedStyle(document.querySelector('.top [aria-current]')).borderBottomStyle;";
    assert_eq!(browser.execute(underlined, json!([])), "solid", "the navigation shows which page this is");
    browser.screenshot("16-forced-colours");
}
