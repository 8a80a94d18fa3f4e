//! The registry of pages.
//!
//! A page is three files of one name: `templates/NAME.hbs`, its markup; `handlers/NAME.rs`, the HTTP side;
//! `views/NAME.rs`, the data that the template shows. A line in [`pages!`] enters it: the module declarations, the
//! compiled templates, the routes and the navigation all come from that table.
//!
//! A page with a path has a handler `handle(query, state)` and answers GET and HEAD there. A page without one
//! (`none`) is rendered by other code. The navigation links to each page with a path but the first.

use std::{pin::Pin, sync::Arc};

use crate::{
    flight_form::FORM_PATH,
    problem::HandlerResult,
    render::{Page, Partial},
    state::AppState,
};

/// Passes the table of pages to the macro `$then`: name, path, title.
macro_rules! pages {
    ($then:ident) => {
        $then! {
            predict, (FORM_PATH), "How late will this flight be?";
            operations, ("/ops"), "Operations";
            error, none, "Something broke on our side";
            report, none, "Evaluation";
        }
    };
}

/// Declares one module for each page.
macro_rules! modules {
    ($($name:ident, $path:tt, $title:literal;)*) => { $(pub(crate) mod $name;)* };
}

macro_rules! tables {
    ($($name:ident, $path:tt, $title:literal;)*) => {
        /// All pages.
        pub(crate) const PAGES: &[Page] = &[$(Page {
            name: stringify!($name),
            template: include_str!(concat!("templates/", stringify!($name), ".hbs")),
            path: tables!(@path $path),
            title: $title,
        }),*];

        /// The handler of each page that has a path.
        const HANDLERS: &[Option<(&str, Handler)>] = &[$(tables!(@handler $name $path)),*];
    };
    (@path none) => { None };
    (@path $path:tt) => { Some($path) };
    (@handler $name:ident none) => { None };
    (@handler $name:ident $path:tt) => {
        Some(($path, |query, state| Box::pin(crate::handlers::$name::handle(query, state))))
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

/// Answers a request for a page, given its query.
pub(crate) type Handler = fn(String, Arc<AppState>) -> Pin<Box<dyn Future<Output = HandlerResult> + Send>>;

pages!(tables);

partials! {
    "layout" "options" "follow" "version"
    "state/none" "state/waiting" "state/answered" "state/rejected" "state/timed_out" "state/unreachable"
}

/// Returns the path and the handler of each page that has them.
pub(crate) fn routes() -> impl Iterator<Item = (&'static str, Handler)> {
    HANDLERS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use delaycast::airports::Airports;
    use engine::{
        delivery::Unavailable,
        log::{Producer, PublishCallback},
        store::{Lookup, Outcome},
    };
    use server::{Operations, OperationsStatus};

    use super::*;
    use crate::{Config, Parts};

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

    #[tokio::test]
    async fn each_page_renders_at_its_path_under_its_title() {
        let parts = Parts {
            requests: Arc::new(Idle),
            answers: Arc::new(Idle),
            operations: Arc::new(Idle),
            airports: Arc::new(Airports::default()),
            config: Config::default(),
        };
        let routes = crate::routes(parts).unwrap();
        for page in PAGES {
            let (path, status, title) = match (page.name, page.path) {
                (_, Some(path)) => (path, 200, page.title),
                ("error", None) => ("/nothing", 404, "There is no such page"),
                // Rendered in tests/report.rs: its data is an evaluation.
                ("report", None) => continue,
                (name, None) => panic!("state here how the page {name} is rendered"),
            };
            let response = warp::test::request().path(path).header("accept", "text/html").reply(&routes).await;
            let html = std::str::from_utf8(response.body()).unwrap();
            assert_eq!(response.status(), status, "{}: {html}", page.name);
            assert!(html.contains(&format!("<title>{title} – delaycast</title>")), "{}: {html}", page.name);
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
                [format!("{{{{> {}}}}}", partial.name), format!("{{{{#> {} ", partial.name)]
                    .iter()
                    .any(|include| text.contains(include))
            });
            assert!(included, "no template includes {}", partial.name);
        }
    }
}
