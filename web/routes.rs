//! Serves: routes requests to handlers, and sets the headers of every response.
//!
//! Handlers, filters and `recover` attach a [`Problem`] to the response; the outermost filter, which knows the client's
//! `Accept`, renders it.

use std::{convert::Infallible, net::TcpListener, sync::Arc};

use bytes::Buf;
use futures_util::StreamExt;
use server::{HostError, PeerAddress, ServeError};
use tokio::sync::watch;
use warp::{
    Filter, Rejection,
    filters::BoxedFilter,
    host::Authority,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    path::FullPath,
    reject::{self, InvalidHeader},
    reply::Response,
};

use crate::{
    amadeus, api, assets, batch,
    body::SentBody,
    bulk, dead_letters, follow,
    form_page::FORM_PATH,
    handlers::error,
    history_json,
    pages::{self, Handler, PAGES, PARTIALS},
    problem::{HandlerResult, Problem},
    regress,
    render::BadTemplate,
    reply::redirect,
    state::{AppState, Closing, Parts},
    v1,
    visit::{Visit, switched},
};

/// Allows scripts and styles as files of this origin, and no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

const READ: &str = "GET, HEAD";
const WRITE: &str = "POST";

/// The pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A template is broken.
    #[error(transparent)]
    Template(#[from] BadTemplate),
    /// The server cannot start.
    #[error(transparent)]
    Server(#[from] ServeError),
}

/// Serves all routes until `shutdown` is ready.
pub async fn serve(listener: TcpListener, parts: Parts, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    let connections = parts.config.connections.clone();
    let (close, closing) = watch::channel(false);
    let shutdown = async move {
        shutdown.await;
        close.send_replace(true);
    };
    Ok(server::serve(listener, routes_until(parts, closing)?, &connections, shutdown).await?)
}

/// Returns all routes. Fails if a template is broken, which the tests exclude.
pub fn routes(parts: Parts) -> Result<BoxedFilter<(Response,)>, BadTemplate> {
    routes_until(parts, watch::channel(false).1)
}

fn routes_until(parts: Parts, closing: Closing) -> Result<BoxedFilter<(Response,)>, BadTemplate> {
    let state = Arc::new(AppState::new(parts, PAGES, PARTIALS, closing)?);
    let others =
        [classify(&state), response(&state), versions(&state), events(&state), operations_json(&state), files()];
    let others = others.into_iter().chain([months_json(&state), manufacturers_json(&state), regress(&state)]);
    let others = others.chain([batch(&state), bulk(&state), send_back(&state), replay(&state)]);
    let others = others.chain([index(), api_v1(&state), amadeus_prediction(&state), amadeus_token(&state)]);
    let routes = pages::routes().map(|(path, handler)| page(path, handler, &state)).chain(others);
    let routes = routes.fold(switch(), |routes, route| routes.or(route).unify().boxed());
    let inner = allowed(&state).and(routes).recover(explain).unify();
    let request = warp::header::headers_cloned().and(warp::path::full()).and(query());
    Ok(request.and(inner).and(with(&state)).map(finish).boxed())
}

/// Comes first, so that a site that got here by DNS rebinding learns nothing. Then refuses the operations to those who
/// may not see them, and questions beyond a client's limit.
fn allowed(state: &Arc<AppState>) -> impl Filter<Extract = (), Error = Rejection> + Clone + use<> {
    let check = |asked: Option<Authority>,
                 method: Method,
                 path: FullPath,
                 peer: Option<PeerAddress>,
                 headers: HeaderMap,
                 state: Arc<AppState>| async move {
        let (path, config) = (path.as_str(), &state.parts.config);
        let host = config.hosts.check(&headers, asked.as_ref());
        host.map_err(|error| Box::new(Problem::wrong_host(&error)))
            .and_then(|()| config.operations.check(path, &headers))
            .and_then(|()| state.rate.check(&method, path, peer, &headers))
            .map_err(|problem| reject::custom(*problem))
    };
    let peer = warp::filters::ext::optional::<PeerAddress>();
    let request = warp::host::optional().and(warp::method()).and(warp::path::full()).and(peer);
    request.and(warp::header::headers_cloned()).and(with(state)).and_then(check).untuple_one()
}

/// Sets the language of a visitor, at the address of any page.
fn switch() -> BoxedFilter<(Response,)> {
    let switched = |method: Method, path: FullPath, query: String, headers: HeaderMap| async move {
        let path = path.as_str();
        let is_of_api = v1::is_below(path) || amadeus::is_below(path);
        (!is_of_api).then(|| switched(&method, path, &query, &headers)).flatten().ok_or_else(reject::not_found)
    };
    let request = warp::method().and(warp::path::full()).and(query()).and(warp::header::headers_cloned());
    request.and_then(switched).boxed()
}

/// `GET /`.
fn index() -> BoxedFilter<(Response,)> {
    let to_form = || redirect(StatusCode::TEMPORARY_REDIRECT, FORM_PATH);
    warp::path::end().and(only(READ)).map(to_form).boxed()
}

fn page(pattern: &'static str, handler: Handler, state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    let matches =
        move |path: FullPath| async move { pages::parameters(pattern, path.as_str()).ok_or_else(reject::not_found) };
    let parameters = warp::path::full().and_then(matches);
    parameters.and(only(READ)).and(visit()).and(with(state)).then(handler).map(settle).boxed()
}

fn classify(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    posted(warp::path!("flights" / "delays" / "predict" / "classify_realtime").boxed(), api::classify, state)
}

fn regress(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    posted(warp::path!("flights" / "delays" / "predict" / "regress").boxed(), regress::regress, state)
}

fn batch(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    posted(warp::path!("flights" / "delays" / "predict" / "classify").boxed(), batch::classify, state)
}

fn bulk(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    posted(warp::path!("flights" / "delays" / "predict" / "bulk").boxed(), bulk::answer_file, state)
}

fn send_back(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    changed(warp::path!("ops" / "dead-letters" / "send-back").boxed(), dead_letters::send_back, state)
}

fn replay(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    changed(warp::path!("ops" / "dead-letters" / "replay").boxed(), dead_letters::replay, state)
}

/// A route of a change, which learns its sender's address.
fn changed<F: Future<Output = HandlerResult> + Send + 'static>(
    path: BoxedFilter<()>,
    handler: fn(HeaderMap, Option<PeerAddress>, SentBody, Arc<AppState>) -> F,
    state: &Arc<AppState>,
) -> BoxedFilter<(Response,)> {
    let peer = warp::filters::ext::optional::<PeerAddress>();
    let request = path.and(only(WRITE)).and(warp::header::headers_cloned()).and(peer).and(body());
    request.and(with(state)).then(handler).map(settle).boxed()
}

/// A route that a body is posted to.
fn posted<F: Future<Output = HandlerResult> + Send + 'static>(
    path: BoxedFilter<()>,
    handler: fn(HeaderMap, SentBody, Arc<AppState>) -> F,
    state: &Arc<AppState>,
) -> BoxedFilter<(Response,)> {
    let request = path.and(only(WRITE)).and(warp::header::headers_cloned()).and(body());
    request.and(with(state)).then(handler).map(settle).boxed()
}

/// The API has a table of routes of its own.
fn api_v1(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("api" / ..)
        .and(warp::path::full())
        .and(warp::method())
        .and(query())
        .and(warp::header::headers_cloned())
        .and(body())
        .and(with(state))
        .then(v1::handle)
        .map(settle)
        .boxed()
}

fn amadeus_prediction(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("v1" / "travel" / "predictions" / "flight-delay")
        .and(only(READ))
        .and(query())
        .and(with(state))
        .then(amadeus::flight_delay)
        .map(settle)
        .boxed()
}

fn amadeus_token(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    posted(warp::path!("v1" / "security" / "oauth2" / "token").boxed(), amadeus::token, state)
}

fn response(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict" / "classify_realtime" / "response" / String)
        .and(only(READ))
        .and(warp::header::headers_cloned())
        .and(with(state))
        .then(api::response)
        .map(settle)
        .boxed()
}

fn versions(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict" / "classify_realtime" / "response" / String / "versions")
        .and(only(READ))
        .and(query())
        .and(warp::header::headers_cloned())
        .and(with(state))
        .then(follow::versions)
        .map(settle)
        .boxed()
}

fn events(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("flights" / "delays" / "predict" / "classify_realtime" / "response" / String / "events")
        .and(only("GET"))
        .and(warp::header::headers_cloned())
        .and(with(state))
        .then(follow::events)
        .map(settle)
        .boxed()
}

fn operations_json(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("ops.json").and(only(READ)).and(with(state)).map(api::operations).boxed()
}

fn months_json(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("total_flights.json").and(only(READ)).and(with(state)).then(history_json::months).map(settle).boxed()
}

fn manufacturers_json(state: &Arc<AppState>) -> BoxedFilter<(Response,)> {
    warp::path!("airplanes" / "chart" / "manufacturers.json")
        .and(only(READ))
        .and(with(state))
        .then(history_json::manufacturers)
        .map(settle)
        .boxed()
}

fn files() -> BoxedFilter<(Response,)> {
    warp::path!("static" / String)
        .and(only(READ))
        .and(query())
        .and(warp::header::headers_cloned())
        .map(assets::serve)
        .map(settle)
        .boxed()
}

fn with(state: &Arc<AppState>) -> impl Filter<Extract = (Arc<AppState>,), Error = Infallible> + Clone + use<> {
    let state = Arc::clone(state);
    warp::any().map(move || Arc::clone(&state))
}

/// Extracts the raw query; empty if there is none.
fn query() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// Extracts the request for a page.
fn visit() -> impl Filter<Extract = (Visit,), Error = Infallible> + Clone {
    let visit = |path: FullPath, query, headers: HeaderMap| Visit::new(path.as_str(), query, &headers);
    warp::path::full().and(query()).and(warp::header::headers_cloned()).map(visit)
}

/// Extracts the body as it arrives.
fn body() -> impl Filter<Extract = (SentBody,), Error = Rejection> + Copy {
    // Pieces are not copied: hyper's are `Bytes` already.
    warp::body::stream().map(|body| {
        StreamExt::map(body, |piece: Result<_, warp::Error>| {
            piece.map(|mut piece| {
                let length = Buf::remaining(&piece);
                Buf::copy_to_bytes(&mut piece, length)
            })
        })
        .boxed()
    })
}

/// Follows the path filter, so that a known path with another method is a 405, not a 404.
fn only(allow: &'static str) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    let check = move |method: Method| async move {
        let taken = allow.split(", ").any(|name| name == method.as_str());
        if taken { Ok(()) } else { Err(reject::custom(Problem::not_allowed(allow))) }
    };
    warp::method().and_then(check).untuple_one()
}

fn settle(handled: HandlerResult) -> Response {
    handled.unwrap_or_else(Problem::into_response)
}

async fn explain(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = match rejection.find::<Problem>() {
        Some(problem) => problem.clone(),
        None if rejection.is_not_found() => Problem::not_found(),
        // `Host` is the only header that a filter rejects: it is malformed, or differs from the target's.
        None if rejection.find::<InvalidHeader>().is_some() => Problem::wrong_host(&HostError::Malformed),
        None => {
            tracing::error!(?rejection, "a rejection that no route accounts for");
            Problem::defect()
        }
    };
    Ok(Box::new(problem).into_response())
}

fn finish(headers: HeaderMap, path: FullPath, query: String, mut response: Response, state: Arc<AppState>) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() {
        let visit = Visit::new(path.as_str(), query, &headers);
        response = error::respond(&problem, path.as_str(), &visit, &headers, &state);
    }
    if v1::is_below(path.as_str()) {
        v1::allow(&headers, &mut response, &state.parts.config.cors);
    }
    for (name, value) in SECURITY_HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
