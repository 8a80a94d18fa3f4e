//! The pages and routes of delaycast.
//!
//! A visitor's form becomes a request in the log; the page then polls the store until the answer is there. This crate
//! gets the log and the store as [`Parts`], and doesn't know what scores the requests.
//!
//! # Layout
//!
//! * [`routes`]: all routes; [`serve()`] serves them with the `server` crate, which knows no flight.
//! * `pages`: the registry of pages. A page has a template in `templates/`, a handler in `handlers/` and a view in
//!   `views/`.
//! * `api`: the JSON routes of the old page; `follow`: those of versions; `regress`: an answer at once. `v1`: the API;
//!   `amadeus`: a route of an API that was shut down.
//! * `body` parses forms, `flight_form` makes requests of them; `asking` completes and publishes these; `waiting` waits
//!   for their outcomes.
//! * `batch`: questions that wait for the batch of their day; `bulk`: files of questions.
//! * `path`: patterns of paths.
//! * `query`: the parameters of pages and of the API; `history_json`: the JSON routes of the history.
//! * `problem`: the reason why a request is not served, `field_error`: its fault; `handlers/error.rs` renders them.
//! * `form_page`: the pages with the form; `weather_form`: the weather in it; `units`: those of the reader.
//! * `access`: who may see the operations; `dead_letters`, `replays`: what an operator changes; `rate`: the limit on
//!   the questions of a client.
//! * `state`: the log, the store and the limits that handlers share.
//! * `render`, `assets`: `templates/` and `static/`, compiled in, so that the binary needs no folder beside it.
//! * `texts`: the messages of `locales/` in each language; `visit`: a request for a page, and its language.
//! * [`answer_in_words`]: an answer as plain text. [`render_report`]: the report of an evaluation as one file.
//!
//! # The rules
//!
//! The tests of a rule have its number in their names.
//!
//! 1. A POST is answered only after the log has acknowledged the request; without that it is a 503.
//! 2. The page refuses what the scorer would refuse, with all wrong fields named at once.
//! 3. Everything from outside is escaped: by the templates in HTML, and `<`, `>`, `&` by JSON escapes in JSON text,
//!    because the old page needs that text as `text/html`.
//! 4. Everything works without JavaScript; nothing is inline, which the content security policy enforces.
//! 5. All waits and queues are bounded: connections and their phases, bodies, concurrent lookups and queries of the
//!    history, clients that wait, refreshes, polling, pages that follow.
//! 6. A page on a loopback address serves requests for its own names only ([`server::AllowedHosts`]): the script of
//!    another site whose name resolves to this machine (DNS rebinding) reads nothing.

mod access;
mod amadeus;
mod api;
mod asking;
mod assets;
mod batch;
mod body;
mod bulk;
mod completion;
mod dead_letters;
mod field_error;
mod flight_form;
mod follow;
mod form_page;
mod history_json;
#[macro_use]
mod pages;
mod past;
mod path;
mod problem;
mod query;
mod rate;
mod regress;
mod render;
mod replay;
mod replays;
mod reply;
mod routes;
mod state;
mod texts;
mod units;
mod v1;
mod visit;
mod waiting;
mod weather_form;

mod handlers {
    //! One file for each page: its HTTP side.

    pages!(modules);
}

mod views {
    //! One file for each page: the data that its template shows; and what several of them share.

    pub(crate) mod alternatives;
    pub(crate) mod answer;
    pub(crate) mod charts;
    pub(crate) mod dataflow_drawing;
    pub(crate) mod delay;
    pub(crate) mod explanation;
    pub(crate) mod follow;
    pub(crate) mod form;
    pub(crate) mod headline;
    pub(crate) mod history;
    pub(crate) mod live;
    pub(crate) mod map;
    pub(crate) mod past;
    pub(crate) mod statement;
    pub(crate) mod svg;
    pub(crate) mod time_charts;
    pub(crate) mod words;

    pages!(modules);
}

pub use access::{Login, LoginError, OperationsAccess};
pub use body::BODY_BYTES_MAX;
pub use handlers::report::render_report;
pub use rate::RateConfig;
pub use render::BadTemplate;
pub use replay::{Replay, ReplayedFlight};
pub use routes::{StartError, routes, serve};
pub use state::{Config, Parts};
pub use texts::Language;
pub use v1::CorsOrigin;
pub use views::answer::answer_in_words;
