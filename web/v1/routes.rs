//! The table of routes, and its dispatcher.

use std::{pin::Pin, sync::Arc};

use warp::{
    http::{HeaderMap, Method},
    path::FullPath,
    reply::Response,
};

use super::{call::Call, cors, history, model, places, questions, reply, versions};
use crate::{
    body::SentBody,
    path,
    problem::{HandlerResult, Problem},
    state::AppState,
};

type Handled = Pin<Box<dyn Future<Output = HandlerResult> + Send>>;

/// A route: its path as OpenAPI writes it, the methods that it takes, and its handler.
struct Route {
    path: &'static str,
    methods: &'static str,
    handler: fn(Call) -> Handled,
}

const READ: &str = "GET, HEAD";

/// All routes; no path is another's with a parameter in it.
const ROUTES: &[Route] = &[
    Route { path: "/api/v1/openapi.json", methods: READ, handler: |_| Box::pin(async { Ok(reply::openapi()) }) },
    Route { path: "/api/v1/questions", methods: "POST", handler: |call| Box::pin(questions::ask(call)) },
    Route { path: "/api/v1/questions/{id}", methods: READ, handler: |call| Box::pin(questions::find(call)) },
    Route { path: "/api/v1/questions/{id}/versions", methods: READ, handler: |call| Box::pin(versions::list(call)) },
    Route { path: "/api/v1/questions/{id}/events", methods: "GET", handler: |call| Box::pin(versions::events(call)) },
    Route { path: "/api/v1/flights", methods: READ, handler: |call| Box::pin(history::flights(call)) },
    Route { path: "/api/v1/airports", methods: READ, handler: |call| Box::pin(places::airports(call)) },
    Route { path: "/api/v1/airports/{code}", methods: READ, handler: |call| Box::pin(places::airport(call)) },
    Route { path: "/api/v1/airlines", methods: READ, handler: |call| Box::pin(places::airlines(call)) },
    Route { path: "/api/v1/model", methods: READ, handler: |call| Box::pin(model::model(call)) },
];

/// Returns whether a path is the API's, known or not.
pub(crate) fn is_below(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Answers any request below `/api`.
pub(crate) async fn handle(
    path: FullPath,
    method: Method,
    query: String,
    headers: HeaderMap,
    body: SentBody,
    state: Arc<AppState>,
) -> HandlerResult {
    let found = ROUTES.iter().find_map(|route| Some((route, parameters(route.path, path.as_str())?)));
    let (route, parameters) = found.ok_or_else(|| Box::new(Problem::not_found()))?;
    if method == Method::OPTIONS
        && let Some(response) = preflight(&headers, route.methods, &state)
    {
        return Ok(response);
    }
    if !route.methods.split(", ").any(|taken| taken == method.as_str()) {
        return Err(Box::new(Problem::not_allowed(route.methods)));
    }
    (route.handler)(Call { parameters, query, headers, body, state }).await
}

fn preflight(headers: &HeaderMap, methods: &'static str, state: &AppState) -> Option<Response> {
    cors::preflight(headers, methods, &state.parts.config.cors)
}

/// Returns the segments of a path in the places of `{…}`; `None` if it is another path.
fn parameters(pattern: &str, path: &str) -> Option<Vec<String>> {
    path::parameters(pattern, path, |expected, _| expected.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_openapi_document_has_these_routes_and_no_other_of_the_api() {
        let document: Value = serde_json::from_str(reply::OPENAPI).unwrap();
        let paths = document["paths"].as_object().unwrap().iter().filter(|(path, _)| is_below(path));
        let described: BTreeSet<(String, String)> = paths
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys().filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.to_uppercase())).collect::<Vec<_>>()
            })
            .collect();
        let served = ROUTES.iter().map(|route| {
            // Each GET has its HEAD.
            let method = route.methods.split(", ").next().unwrap();
            (route.path.to_owned(), method.to_owned())
        });
        assert_eq!(described, served.collect());
        assert_eq!(described.len(), ROUTES.len(), "a path stands twice");
    }

    #[test]
    fn a_path_matches_its_pattern_alone() {
        let found = |pattern, path| parameters(pattern, path).map(|found| found.join(" "));
        assert_eq!(found("/a/{id}/b", "/a/x%2Fy/b").as_deref(), Some("x%2Fy"));
        for path in ["/a//b", "/a/x", "/a/x/b/", "/a/x/b/c", "a/x/b"] {
            assert_eq!(found("/a/{id}/b", path), None, "{path}");
        }
    }
}
