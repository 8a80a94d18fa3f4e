//! The registry of pages.
//!
//! A page is three files of one name: `templates/NAME.hbs`, its markup; `handlers/NAME.rs`, the HTTP side;
//! `views/NAME.rs`, the data that the template shows. A line in [`pages!`] enters it: the module declarations, the
//! compiled templates, the routes and the navigation all come from that table.
//!
//! A page with a path has a handler `handle(visit, state)` and answers GET and HEAD there. One with patterns, in
//! brackets, has a handler `handle(parameters, visit, state)`: `*` in a pattern is one segment of the path, which is a
//! parameter. A page without either (`none`) is rendered by other code. Behind it is the message of the title. The
//! navigation links to each page with another message behind that.

use std::{pin::Pin, sync::Arc};

use crate::{
    form_page::{BATCH_PATH, FORM_PATH, MINUTES_PATH},
    path,
    problem::{HandlerResult, Problem},
    render::{Page, Partial},
    state::AppState,
    visit::Visit,
};

/// Passes the table of pages to the macro `$then`: name, path, title, label.
macro_rules! pages {
    ($then:ident) => {
        $then! {
            predict, (FORM_PATH), "title-predict";
            regress, (MINUTES_PATH), "title-regress";
            bulk, ("/flights/delays/predict_bulk"), "title-bulk";
            batch, (BATCH_PATH), "title-batch";
            batch_results, ["/flights/delays/predict_batch/results/*"], "title-batch-results";
            airlines, ("/airlines"), "title-airlines", "nav-history";
            airline, ["/airline/*"], "title-airline";
            airplanes, ("/airplanes"), "title-airplanes";
            airplane, ["/airplane/*" "/airplane/flights/*"], "title-airplane";
            flight_search, ("/flights/search"), "title-flight-search";
            route_day, ["/flights/*/*/*"], "title-route-day";
            flight_record, ("/on_time_performance"), "title-flight-record";
            total_flights, ["/total_flights" "/total_flights_chart"], "title-total-flights";
            delays, ("/delays"), "title-delays";
            operations, ("/ops"), "title-operations", "nav-operations";
            dataflow, ("/ops/dataflow"), "title-dataflow";
            dead_letters, ("/ops/dead-letters"), "title-dead-letters";
            error, none, "title-error";
            report, none, "title-report";
        }
    };
}

/// Declares one module for each page.
macro_rules! modules {
    ($($name:ident, $path:tt, $title:literal $(, $label:literal)?;)*) => { $(pub(crate) mod $name;)* };
}

macro_rules! tables {
    ($($name:ident, $path:tt, $title:literal $(, $label:literal)?;)*) => {
        /// All pages.
        pub(crate) const PAGES: &[Page] = &[$(Page {
            name: stringify!($name),
            template: include_str!(concat!("templates/", stringify!($name), ".hbs")),
            path: tables!(@path $path),
            label: tables!(@label $($label)?),
            title: $title,
        }),*];

        /// The patterns of each page, and its handler.
        const HANDLERS: &[(&[&str], Handler)] = &[$(tables!(@handler $name $path)),*];
    };
    (@path none) => { None };
    (@path [$($pattern:literal)+]) => { None };
    (@path $path:tt) => { Some($path) };
    (@label) => { None };
    (@label $label:literal) => { Some($label) };
    (@handler $name:ident none) => { (&[], |_, _, _| Box::pin(async { Err(Box::new(Problem::not_found())) })) };
    (@handler $name:ident [$($pattern:literal)+]) => {
        (&[$($pattern),+], |parameters, visit, state| {
            Box::pin(crate::handlers::$name::handle(parameters, visit, state))
        })
    };
    (@handler $name:ident $path:tt) => {
        (&[$path], |_, visit, state| Box::pin(crate::handlers::$name::handle(visit, state)))
    };
}

macro_rules! partials {
    ($($name:literal)*) => {
        /// The templates that others include.
        pub(crate) const PARTIALS: &[Partial] = &[$(Partial {
            name: $name,
            template: include_str!(concat!("templates/", $name, ".hbs")),
        }),*];
    };
}

/// The parameters in a path: its segments in the places of `*`, still percent-encoded.
pub(crate) type Parameters = Vec<String>;

/// Answers a request for a page, given the parameters in its path.
pub(crate) type Handler = fn(Parameters, Visit, Arc<AppState>) -> Pin<Box<dyn Future<Output = HandlerResult> + Send>>;

/// A segment that is no parameter: `/flights/delays/` begins the addresses of predictions. No airport has that code.
const NO_PARAMETER: &str = "delays";

/// Returns the parameters of a path that matches a pattern. A slash may be at its end.
pub(crate) fn parameters(pattern: &str, path: &str) -> Option<Parameters> {
    let path = path.strip_suffix('/').unwrap_or(path);
    path::parameters(pattern, path, |expected, segment| expected == "*" && segment != NO_PARAMETER)
}

pages!(tables);

partials! {
    "layout" "form" "options" "follow" "alternatives" "past" "version" "operations_links"
    "history/sections" "history/flights" "history/paging"
    "state/none" "state/waiting" "state/answered" "state/rejected" "state/timed_out" "state/unreachable"
}

/// Returns each pattern of the pages with its handler.
pub(crate) fn routes() -> impl Iterator<Item = (&'static str, Handler)> {
    HANDLERS.iter().flat_map(|(patterns, handler)| patterns.iter().map(|pattern| (*pattern, *handler)))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path};

    use chrono::{DateTime, NaiveDate, Utc};
    use delaycast::{airports::Airports, explore::Preparation};
    use engine::{
        batch::{Place, Task},
        delivery::{Refusal, Unavailable},
        log::{
            DeadLetters, LatestLetters, Position, Producer, PublishCallback, ReplayError, ReplayFilter, ReplaySummary,
            SentBack,
        },
        store::{Batches, DayCounts, Lookup, Outcome, ResultPage},
    };
    use server::{Operations, OperationsStatus};

    use super::*;
    use crate::{
        Config, Parts,
        texts::{Language, Message, Texts, message},
    };

    struct Idle;

    impl Producer for Idle {
        fn republish(&self, _: Option<&str>, _: Vec<u8>, _: u32, _: PublishCallback) {}
    }

    impl Lookup for Idle {
        fn find(&self, _: &str) -> Result<Option<Outcome>, Unavailable> {
            Ok(None)
        }
    }

    impl Operations for Idle {
        fn now(&self) -> OperationsStatus {
            OperationsStatus { window_s: 3600, ..OperationsStatus::default() }
        }
    }

    impl DeadLetters for Idle {
        fn latest(&self, _: DateTime<Utc>, _: &str, _: usize) -> Result<LatestLetters, Unavailable> {
            Ok(LatestLetters::default())
        }

        fn send_back(&self, _: Position, _: DateTime<Utc>) -> Result<SentBack, ReplayError> {
            Ok(SentBack::Unknown)
        }

        fn replay(
            &self,
            _: ReplayFilter<'_>,
            _: &mut dyn FnMut(&ReplaySummary) -> ControlFlow<()>,
        ) -> Result<ReplaySummary, ReplayError> {
            Ok(ReplaySummary::default())
        }
    }

    impl Batches for Idle {
        fn add(&self, _: &[Task]) -> Result<Vec<Refusal>, Unavailable> {
            Ok(Vec::new())
        }

        fn tasks(&self, _: NaiveDate, _: &Place, _: usize) -> Result<Vec<Task>, Unavailable> {
            Ok(Vec::new())
        }

        fn results(&self, _: NaiveDate, _: &Place, _: usize) -> Result<ResultPage, Unavailable> {
            Ok(ResultPage::default())
        }

        fn counts(&self, _: NaiveDate) -> Result<DayCounts, Unavailable> {
            Ok(DayCounts::default())
        }
    }

    #[tokio::test]
    async fn each_page_renders_at_its_path_under_its_title_in_each_language() {
        let parts = Parts {
            requests: Arc::new(Idle),
            answers: Arc::new(Idle),
            batches: Arc::new(Idle),
            operations: Arc::new(Idle),
            dead_letters: Arc::new(Idle),
            event_letters: None,
            airports: Arc::new(Airports::default()),
            history: Preparation::default(),
            config: Config::default(),
        };
        let routes = crate::routes(parts).unwrap();
        let pages = Language::ALL.into_iter().flat_map(|language| PAGES.iter().map(move |page| (language, page)));
        for (language, page) in pages {
            let texts = Texts::of(language);
            let (path, status, title) = match (page.name, page.path) {
                // Rendered with a history in tests/history.rs; here it is still being prepared.
                ("airlines" | "airplanes" | "flight_search" | "delays", Some(path)) => {
                    (path, 503, message!("problem-preparing"))
                }
                ("flight_record", Some(path)) => (path, 400, message!("problem-unread")),
                ("airline" | "airplane" | "route_day" | "total_flights", None) => continue,
                (_, Some(path)) => (path, 200, Message::of(page.title, Vec::new())),
                ("batch_results", None) => {
                    let day = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
                    let title = message!("batch-title", day = texts.day(day));
                    ("/flights/delays/predict_batch/results/2026-11-28", 200, title)
                }
                ("error", None) => ("/nothing", 404, message!("problem-not-found")),
                // Rendered in tests/report.rs: its data is an evaluation.
                ("report", None) => continue,
                (name, None) => panic!("state here how the page {name} is rendered"),
            };
            let request = warp::test::request().path(path).header("accept", "text/html");
            let response = request.header("accept-language", language.code()).reply(&routes).await;
            let html = std::str::from_utf8(response.body()).unwrap();
            assert_eq!(response.status(), status, "{}: {html}", page.name);
            let title = title.text(texts);
            assert!(html.contains(&format!("<title>{title} – delaycast</title>")), "{}: {html}", page.name);
            assert!(html.contains(&format!("<html lang=\"{}\">", language.code())), "{}: {html}", page.name);
            assert_eq!(response.headers()["content-language"], language.code());
        }
    }

    #[test]
    fn a_path_matches_its_pattern_alone() {
        let found = |pattern, path| parameters(pattern, path).map(|found| found.join(" "));
        assert_eq!(found("/airline/*", "/airline/AA/").as_deref(), Some("AA"));
        assert_eq!(found("/flights/*/*/*", "/flights/ATL/SFO/2013-01-01").as_deref(), Some("ATL SFO 2013-01-01"));
        assert_eq!(found("/airlines", "/airlines/").as_deref(), Some(""));
        for (pattern, path) in [
            ("/airline/*", "/airline/"),
            ("/airline/*", "/airline//"),
            ("/airline/*", "/airline/AA/BB"),
            ("/airlines", "/airlines//"),
            ("/airlines", "airlines"),
            ("/flights/*/*/*", "/flights/delays/predict/classify_realtime"),
        ] {
            assert_eq!(found(pattern, path), None, "{path}");
        }
    }

    #[test]
    fn each_template_is_a_pages_or_included_by_another() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let (mut folders, mut files) = (vec![folder.clone()], BTreeSet::new());
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&folder).unwrap().with_extension("");
                    files.insert(name.to_str().unwrap().to_owned());
                }
            }
        }
        let names = PAGES.iter().map(|page| page.name).chain(PARTIALS.iter().map(|partial| partial.name));
        let names: Vec<&str> = names.collect();
        assert_eq!(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), files);
        assert_eq!(names.len(), files.len(), "a name stands twice");
        let templates =
            || PAGES.iter().map(|page| page.template).chain(PARTIALS.iter().map(|partial| partial.template));
        // The lists of airports and airlines are rendered once, by the code.
        for partial in PARTIALS.iter().filter(|partial| partial.name != "options") {
            let included = templates().any(|text| {
                let name = partial.name;
                let includes = [format!("{{{{> {name}}}}}"), format!("{{{{> {name} "), format!("{{{{#> {name} ")];
                includes.iter().any(|include| text.contains(include))
            });
            assert!(included, "no template includes {}", partial.name);
        }
    }
}
