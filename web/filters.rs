//! Which request goes to which handler, and what every response carries.
//!
//! A handler, a filter and `recover` all leave a [`Problem`] on the response; only the outermost filter, which knows
//! what the client takes, puts it into words. So there is one place for that, and none that forgets it.

use std::{convert::Infallible, sync::Arc};

use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    host::Authority,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    reject::{self, InvalidHeader},
    reply::Response,
};

use crate::{
    accept::Accepts,
    assets, handlers,
    hosts::WrongHost,
    problem::{Handled, Problem},
    render::BadTemplate,
    site::{Parts, Site},
};

/// Everything comes from here, scripts and styles only as files, and nobody may frame the pages.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

const READ: &str = "GET, HEAD";
const WRITE: &str = "POST";

/// All routes. Fails if a template is broken, which the tests exclude.
pub fn routes(parts: Parts) -> Result<BoxedFilter<(Response,)>, BadTemplate> {
    let site = Arc::new(Site::new(parts)?);
    let routes = index()
        .or(page(&site))
        .unify()
        .or(classify(&site))
        .unify()
        .or(response(&site))
        .unify()
        .or(operations(&site))
        .unify()
        .or(operations_json(&site))
        .unify()
        .or(files())
        .unify();
    let inner = known_host(&site).and(routes).recover(explain).unify();
    Ok(warp::header::headers_cloned().and(inner).and(with(&site)).map(finish).boxed())
}

/// Before everything else, so that nothing is told to a site that got here by DNS rebinding.
fn known_host(site: &Arc<Site>) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let check = |asked: Option<Authority>, headers: HeaderMap, site: Arc<Site>| async move {
        let hosts = &site.parts.config.hosts;
        hosts.check(&headers, asked.as_ref()).map_err(|wrong| reject::custom(Problem::wrong_host(&wrong)))
    };
    warp::host::optional().and(warp::header::headers_cloned()).and(with(site)).and_then(check).untuple_one()
}

fn index() -> BoxedFilter<(Response,)> {
    warp::path::end().and(only(READ)).map(handlers::index).boxed()
}

fn page(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict_kafka")
        .and(only(READ))
        .and(query())
        .and(with(site))
        .then(handlers::predict)
        .map(settle)
        .boxed()
}

fn classify(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict" / "classify_realtime")
        .and(only(WRITE))
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .and(with(site))
        .then(handlers::classify)
        .map(settle)
        .boxed()
}

fn response(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict" / "classify_realtime" / "response" / String)
        .and(only(READ))
        .and(warp::header::headers_cloned())
        .and(with(site))
        .then(handlers::response)
        .map(settle)
        .boxed()
}

fn operations(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    warp::path!("ops").and(only(READ)).and(with(site)).map(handlers::operations).boxed()
}

fn operations_json(site: &Arc<Site>) -> BoxedFilter<(Response,)> {
    warp::path!("ops.json").and(only(READ)).and(with(site)).map(handlers::operations_json).boxed()
}

fn files() -> BoxedFilter<(Response,)> {
    warp::path!("static" / String)
        .and(only(READ))
        .and(query())
        .and(warp::header::headers_cloned())
        .map(assets::reply)
        .map(settle)
        .boxed()
}

fn with(site: &Arc<Site>) -> impl Filter<Extract = (Arc<Site>,), Error = Infallible> + Clone + use<> {
    let site = Arc::clone(site);
    warp::any().map(move || Arc::clone(&site))
}

/// The query as it was sent; empty if there is none.
fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// Stands behind the path, so that a known path with another method is told apart from an unknown path.
fn only(allow: &'static str) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let check = move |method: Method| async move {
        let taken = allow.split(", ").any(|name| name == method.as_str());
        if taken { Ok(()) } else { Err(reject::custom(Problem::not_allowed(allow))) }
    };
    warp::method().and_then(check).untuple_one()
}

fn settle(handled: Handled) -> Response {
    handled.unwrap_or_else(Problem::into_response)
}

async fn explain(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = match rejection.find::<Problem>() {
        Some(problem) => problem.clone(),
        None if rejection.is_not_found() => Problem::not_found(),
        // Of all headers only `Host` is read where it can be refused: it is malformed, or differs from the target's.
        None if rejection.find::<InvalidHeader>().is_some() => Problem::wrong_host(&WrongHost::Unclear),
        None => {
            tracing::error!(?rejection, "a rejection that no route accounts for");
            Problem::defect()
        }
    };
    Ok(Box::new(problem).into_response())
}

fn finish(headers: HeaderMap, mut response: Response, site: Arc<Site>) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() {
        response = problem.tell(Accepts::of(&headers), &site);
    }
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
