//! The pages and routes of delaycast.
//!
//! A visitor's form becomes a request in the log; the page then asks the store until the answer is there. This crate
//! knows neither how a log or a store is made nor what scores the requests: it is handed [`Parts`].
//!
//! # Layout
//!
//! * [`serve()`] and [`bind`]: the server, its listener and its end. [`routes`]: the same routes without a socket.
//! * `connections`: how many there are, how long each may keep us waiting, and which one is dropped for another.
//! * [`Hosts`]: the names under which the page may be asked for.
//! * `filters`: which request goes to which handler; what every response carries.
//! * `handlers`: one file a page or route.
//! * `models`: what a form says, what a template shows. No HTTP in there.
//! * `accept`, `body`, `problem`: what the client takes, what it sent, how it is told that something is wrong.
//! * [`serve_health`], [`Vitals`]: the health and metrics of any process, on another port.
//! * [`answer_in_words`]: an answer in plain text, as the page says it.
//! * [`render_report`]: the report of an evaluation, a page that stands alone.
//! * `render`, `assets`: `templates/` and `static/`, both compiled in, so that the binary needs no folder beside it.
//!
//! # The rules
//!
//! Tests carry the number of the rule that they hold.
//!
//! 1. A POST is answered only after the log has acknowledged the request; without that it is a 503.
//! 2. The page refuses what the scorer would refuse, with all wrong fields named at once.
//! 3. Everything from outside is escaped: by the templates in HTML, and `<`, `>`, `&` by JSON escapes in JSON text,
//!    because the old page needs that text as `text/html`.
//! 4. Everything works without JavaScript; nothing is inline, and the content security policy holds it to that.
//! 5. Nothing waits for ever and nothing piles up: connections and their phases, bodies, lookups at a time, refreshes
//!    and polling are bounded.
//! 6. A page that only this machine can reach answers to its names alone ([`Hosts`]): another site's script, whose name
//!    is made to resolve to this machine (DNS rebinding), reads nothing.

mod accept;
mod addresses;
mod api;
mod assets;
mod body;
mod connections;
mod flight_form;
mod health;
mod hosts;
mod operations;
#[macro_use]
mod pages;
mod problem;
mod render;
mod reply;
mod routes;
mod serve;
mod state;

mod handlers {
    //! One file for each page: its HTTP side.

    pages!(modules);
}

mod views {
    //! One file for each page: the data that its template shows; and what several of them share.

    pub(crate) mod answer;
    pub(crate) mod explanation;
    pub(crate) mod result;
    pub(crate) mod words;

    pages!(modules);
}

pub use body::BODY_BYTES_MAX;
pub use connections::Dropped;
pub use handlers::report::render_report;
pub use health::{Vitals, serve_health};
pub use hosts::{HostName, Hosts};
pub use operations::{AnswerCounts, DeadLetterCounts, NamedCount, Operations, OperationsStatus};
pub use render::BadTemplate;
pub use routes::routes;
pub use serve::{ServeError, bind, serve};
pub use state::{Config, Parts};
pub use views::answer::answer_in_words;
