//! A client of the page's routes.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use delaycast::request::Request;

/// The first pause of the page before it looks for an answer, by how much each pause is longer than the one before, and
/// the longest: those of `web/static/delaycast.js`.
const PAUSE: Duration = Duration::from_millis(40);
const PAUSE_GROWTH: f64 = 1.5;
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Timeout of an answer.
const DEADLINE: Duration = Duration::from_secs(30);
const ROUTE: &str = "flights/delays/predict/classify_realtime";

/// The page at an address that ends in a slash.
pub(crate) struct Page {
    agent: ureq::Agent,
    address: String,
}

impl Page {
    pub(crate) fn new(address: String) -> Self {
        Page { agent: ureq::Agent::new_with_defaults(), address }
    }

    /// Posts a request as the page's form does, and gets the answer until it is there. Returns the time until the post
    /// is answered, and until the answer is there.
    pub(crate) fn ask(&self, request: &Request) -> anyhow::Result<(Duration, Duration)> {
        self.ask_and_look(request, || {})
    }

    /// The same with the pauses that the page makes before it looks.
    pub(crate) fn ask_with_pauses(&self, request: &Request) -> anyhow::Result<(Duration, Duration)> {
        let mut pause = PAUSE;
        self.ask_and_look(request, || {
            thread::sleep(pause);
            pause = pause.mul_f64(PAUSE_GROWTH).min(PAUSE_MAX);
        })
    }

    fn ask_and_look(&self, request: &Request, mut pause: impl FnMut()) -> anyhow::Result<(Duration, Duration)> {
        let (date, delay) = (request.date.to_string(), request.dep_delay.unwrap_or_default().to_string());
        let form = [
            ("Carrier", request.carrier.as_str()),
            ("Origin", request.origin.as_str()),
            ("Dest", request.dest.as_str()),
            ("FlightDate", &date),
            ("DepDelay", &delay),
        ];
        let started = Instant::now();
        let mut reply = self.agent.post(format!("{}{ROUTE}", self.address)).send_form(form)?;
        let reply = reply.body_mut().read_to_string()?;
        let posted = started.elapsed();
        let reply: serde_json::Value = serde_json::from_str(&reply)?;
        let id = reply["id"].as_str().context("no id in the reply")?;
        let url = format!("{}{ROUTE}/response/{id}", self.address);
        pause();
        while self.agent.get(&url).call()?.body_mut().read_to_string()?.contains("\"WAIT\"") {
            ensure!(started.elapsed() < DEADLINE, "no answer");
            pause();
        }
        Ok((posted, started.elapsed()))
    }
}
