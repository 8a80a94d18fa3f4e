//! The rules of [`super`], in process and on a real port.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
    thread,
};

use tokio::sync::oneshot;

use super::*;

/// A process whose health the test sets.
#[derive(Default)]
struct FakeChecks {
    dead: Mutex<Option<String>>,
    awaited: Mutex<Vec<String>>,
}

impl HealthChecks for FakeChecks {
    fn live(&self) -> Result<(), String> {
        self.dead.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    fn ready(&self) -> Vec<String> {
        self.awaited.lock().unwrap().clone()
    }

    fn metrics(&self) -> String {
        "# TYPE answers_total counter\nanswers_total 3\n".into()
    }
}

async fn ask(checks: &Arc<FakeChecks>, method: &str, path: &str) -> (u16, String, String) {
    let routes = health_routes(Arc::clone(checks) as _);
    let response = warp::test::request().method(method).path(path).reply(&routes).await;
    let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    (response.status().as_u16(), content_type, String::from_utf8(response.body().to_vec()).unwrap())
}

#[tokio::test]
async fn rule_1_livez_is_a_503_when_a_thread_makes_no_progress() {
    let checks = Arc::new(FakeChecks::default());
    assert_eq!(ask(&checks, "GET", "/livez").await, (200, TEXT.into(), "ok\n".into()));
    // An awaited dependency is no reason for a restart.
    *checks.awaited.lock().unwrap() = vec!["the store: down".into()];
    assert_eq!(ask(&checks, "GET", "/livez").await.0, 200);
    *checks.dead.lock().unwrap() = Some("worker 1 has not turned for 31 s".into());
    assert_eq!(ask(&checks, "GET", "/livez").await, (503, TEXT.into(), "worker 1 has not turned for 31 s\n".into()));
}

#[tokio::test]
async fn rule_2_readyz_has_one_line_for_each_awaited_dependency() {
    let checks = Arc::new(FakeChecks::default());
    assert_eq!(ask(&checks, "GET", "/readyz").await, (200, TEXT.into(), "ok\n".into()));
    *checks.awaited.lock().unwrap() = vec!["model: not loaded".into(), "log: refused\r\nby the broker\n".into()];
    let lines = "model: not loaded\nlog: refused by the broker\n";
    assert_eq!(ask(&checks, "GET", "/readyz").await, (503, TEXT.into(), lines.into()));
}

#[tokio::test]
async fn rules_3_and_4_there_are_metrics_and_no_other_paths() {
    let checks = Arc::new(FakeChecks::default());
    let (status, content_type, body) = ask(&checks, "GET", "/metrics").await;
    assert_eq!((status, content_type.as_str()), (200, EXPOSITION));
    assert!(body.ends_with("answers_total 3\n"));
    for path in ["/", "/livez/", "/metrics/x", "/LIVEZ", "/flights/delays/predict_kafka"] {
        assert_eq!(ask(&checks, "GET", path).await.0, 404, "{path}");
    }
    assert_eq!(ask(&checks, "GET", "/readyz?verbose").await.0, 200);
    assert_eq!(ask(&checks, "HEAD", "/readyz").await.0, 200);
    assert_eq!(ask(&checks, "POST", "/readyz").await.0, 405);
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn rule_5_it_serves_on_one_thread_and_ends_on_shutdown() {
    let listener = crate::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shutdown = async move { stopped.await.unwrap_or_default() };
        runtime.block_on(serve_health(listener, Arc::new(FakeChecks::default()), shutdown)).unwrap();
    });
    // Clients that send nothing or garbage, more than the bound on connections, do not block others.
    let silent: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut babbling = TcpStream::connect(address).unwrap();
    babbling.write_all(&[0xff; 300]).unwrap();
    assert!(get(address, "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(address, "/metrics").contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(get(address, "/nothing").starts_with("HTTP/1.1 404 "));
    drop(silent);
    stop.send(()).unwrap();
    server.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}
