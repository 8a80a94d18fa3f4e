//! A real Chromium, driven headless through chromedriver by the WebDriver protocol.
//!
//! Synchronous, so that everything that was started is also ended when a test fails: the session first, then
//! chromedriver and the browser by their process ids.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{Agent, Body, http::Response};

/// A browser test fails instead of being skipped if this is `1` and there is no browser.
const REQUIRED: &str = "DELAYCAST_REQUIRE_BROWSER";
/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// No state that a test waits for takes longer.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// The viewport and preferences under which a page is loaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) dark: bool,
    pub(crate) javascript: bool,
}

pub(crate) struct Browser {
    agent: Agent,
    driver: Child,
    browser_pid: Option<i32>,
    session: String,
    view: View,
    _profile: TempDir,
}

/// Starts a browser; `None`, with a printed line, if there is none on this machine.
pub(crate) fn start(view: View) -> Option<Browser> {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(in_path);
    let (Some(chromium), Some(chromedriver)) = (found, in_path("chromedriver")) else {
        assert!(std::env::var(REQUIRED).as_deref() != Ok("1"), "{REQUIRED}=1, and chromium or chromedriver is absent");
        println!("SKIPPED: no chromium and chromedriver on the PATH; set {REQUIRED}=1 to make this a failure");
        return None;
    };
    let (driver, port) = start_driver(&chromedriver);
    let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).http_status_as_error(false);
    let mut browser = Browser {
        agent: config.build().into(),
        driver,
        browser_pid: None,
        session: String::new(),
        view,
        _profile: tempfile::tempdir().unwrap(),
    };
    browser.session = format!("http://127.0.0.1:{port}/session");
    browser.open_session(&chromium);
    Some(browser)
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Starts chromedriver. It chooses a port that is free under IPv4 and exits if the port is taken under IPv6; then it is
/// started again.
fn start_driver(chromedriver: &Path) -> (Child, u16) {
    for _ in 0..5 {
        let mut driver = Command::new(chromedriver).arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        if let Some(port) = port_of(&mut driver) {
            return (driver, port);
        }
        driver.kill().ok();
        driver.wait().unwrap();
    }
    panic!("chromedriver has ended five times without having said its port");
}

/// Reads the port from chromedriver's output. Later output is read and dropped, so that chromedriver never blocks.
fn port_of(driver: &mut Child) -> Option<u16> {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    std::thread::spawn(move || lines.for_each(drop));
    port
}

impl Browser {
    fn open_session(&mut self, chromium: &Path) {
        let profile = format!("--user-data-dir={}", self._profile.path().display());
        let mut args = vec!["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
        args.extend(["--disable-background-networking", "--disable-component-update", "--disable-sync", &profile]);
        let javascript = if self.view.javascript { 1 } else { 2 };
        let options = json!({
            "binary": chromium, "args": args,
            "prefs": { "profile.managed_default_content_settings.javascript": javascript },
        });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = self.command("", wanted);
        self.browser_pid = session["capabilities"]["goog:processID"].as_i64().map(|pid| pid as i32);
        self.session = format!("{}/{}", self.session, session["sessionId"].as_str().unwrap());
        self.look(self.view);
    }

    /// Looks at the page in another way; JavaScript stays as it was at the start.
    pub(crate) fn look(&mut self, view: View) {
        let scheme = if view.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media);
        let metrics = json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": view.width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
        self.view = view;
    }

    /// Sends a command and gives its value, or WebDriver's error.
    fn try_command(&self, path: &str, body: Value) -> Result<Value, Value> {
        let url = format!("{}{path}", self.session);
        let mut response = self.agent.post(url).content_type("application/json").send(body.to_string()).unwrap();
        let mut answer = json_of(&mut response);
        if response.status() == 200 { Ok(answer["value"].take()) } else { Err(answer["value"].take()) }
    }

    fn command(&self, path: &str, body: Value) -> Value {
        self.try_command(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn devtools(&self, command: &str, params: Value) -> Value {
        self.command("/goog/cdp/execute", json!({ "cmd": command, "params": params }))
    }

    pub(crate) fn open(&self, url: &str) {
        self.command("/url", json!({ "url": url }));
    }

    /// Waits until there is such an element, and gives its path.
    fn element(&self, css: &str) -> String {
        let started = Instant::now();
        loop {
            match self.try_command("/element", json!({ "using": "css selector", "value": css })) {
                Ok(element) => return format!("/element/{}", element[ELEMENT].as_str().unwrap()),
                Err(error) if started.elapsed() > WAIT_MAX => panic!("no {css} after {WAIT_MAX:?}: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    pub(crate) fn wait_for(&self, css: &str) {
        self.element(css);
    }

    pub(crate) fn click(&self, css: &str) {
        self.command(&format!("{}/click", self.element(css)), json!({}));
    }

    /// Empties a field and types into it.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.command(&format!("{element}/clear"), json!({}));
        if !text.is_empty() {
            self.command(&format!("{element}/value"), json!({ "text": text }));
        }
    }

    /// The visible text of an element.
    pub(crate) fn text(&self, css: &str) -> String {
        let url = format!("{}{}/text", self.session, self.element(css));
        let answer = json_of(&mut self.agent.get(url).call().unwrap());
        answer["value"].as_str().unwrap().to_owned()
    }

    /// The page's title, as the tab shows it.
    pub(crate) fn title(&self) -> String {
        let answer = json_of(&mut self.agent.get(format!("{}/title", self.session)).call().unwrap());
        answer["value"].as_str().unwrap().to_owned()
    }

    /// Runs a script in the page and gives its value.
    pub(crate) fn execute(&self, script: &str, args: Value) -> Value {
        self.command("/execute/sync", json!({ "script": script, "args": args }))
    }

    /// Runs a script in the page, and gives what it calls its last argument with.
    pub(crate) fn execute_async(&self, script: &str) -> Value {
        self.command("/execute/async", json!({ "script": script, "args": [] }))
    }

    /// Presses the tabulator, and gives the element that has the focus then: its id, or its text.
    pub(crate) fn tab(&self) -> String {
        let press = json!([
            { "type": "keyDown", "value": "\u{e004}" }, { "type": "keyUp", "value": "\u{e004}" },
        ]);
        self.command("/actions", json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": press }] }));
        let focused = "const at = document.activeElement; return at.id || at.textContent.trim();";
        self.execute(focused, json!([])).as_str().unwrap().to_owned()
    }

    /// The sum of the layout shifts since the page was opened, as Chromium counts them: 0 if nothing has moved.
    pub(crate) fn layout_shift(&self) -> f64 {
        let script = "const done = arguments[0]; let sum = 0; \
                      new PerformanceObserver((list) => list.getEntries().forEach((it) => (sum += it.value))) \
                      .observe({ type: 'layout-shift', buffered: true }); \
                      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(sum))));";
        self.execute_async(script).as_f64().unwrap()
    }

    /// Lets pages come at so many bytes a second.
    pub(crate) fn slow_down(&self, bytes_per_s: u32) {
        let throughput = f64::from(bytes_per_s);
        let conditions = json!({
            "offline": false, "latency": 0, "downloadThroughput": throughput, "uploadThroughput": throughput,
        });
        self.devtools("Network.enable", json!({}));
        self.devtools("Network.emulateNetworkConditions", conditions);
        // A compressed page is one block: it would come at once.
        let headers = json!({ "Accept-Encoding": "identity" });
        self.devtools("Network.setExtraHTTPHeaders", json!({ "headers": headers }));
    }

    /// Looks at the page as on paper, or with the colours of the reader.
    pub(crate) fn emulate(&self, media: &str, forced_colors: bool) {
        let forced = if forced_colors { "active" } else { "none" };
        let features = json!([{ "name": "forced-colors", "value": forced }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }));
    }

    /// Returns whether the whole element is in the viewport without scrolling.
    pub(crate) fn is_in_view(&self, css: &str) -> bool {
        let script = "const { top, bottom } = document.querySelector(arguments[0]).getBoundingClientRect(); \
                      return top >= 0 && bottom <= innerHeight;";
        self.command("/execute/sync", json!({ "script": script, "args": [css] })).as_bool().unwrap()
    }

    /// The width of the page beyond that of the window, in pixels, by which it scrolls sideways. The page leaves room
    /// for a scroll bar.
    pub(crate) fn overhang(&self) -> i64 {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({}));
        let beyond = metrics["cssContentSize"]["width"].as_i64().unwrap() - i64::from(self.view.width);
        beyond.max(0)
    }

    /// Saves the whole page as `target/screenshots/<name>-<width>-<light or dark>.png`.
    pub(crate) fn screenshot(&self, name: &str) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({}));
        let height = metrics["cssContentSize"]["height"].as_f64().unwrap();
        let clip = json!({ "x": 0, "y": 0, "width": self.view.width, "height": height, "scale": 1 });
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let shot = self.devtools("Page.captureScreenshot", shot);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        let scheme = if self.view.dark { "dark" } else { "light" };
        let file = folder.join(format!("{name}-{}-{scheme}.png", self.view.width));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, base64_decoded(shot["data"].as_str().unwrap())).unwrap();
    }
}

/// A screenshot of a long page has some megabytes.
fn json_of(response: &mut Response<Body>) -> Value {
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Screenshots come as Base64 (RFC 4648, section 4).
fn base64_decoded(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let bytes = |four: &[u8]| {
        let bits = four.iter().fold(0u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(bytes).collect()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the session ends the browser; should that fail, its process id does.
        let closed = self.agent.delete(&self.session).call().is_ok();
        if let (false, Some(pid)) = (closed, self.browser_pid.and_then(rustix::process::Pid::from_raw)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
