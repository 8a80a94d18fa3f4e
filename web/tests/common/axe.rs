//! axe-core in a page: rules of accessibility, checked by the browser itself.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::browser::Browser;

/// Names the file `axe.min.js`, which `scripts/prepare` gets. A test that needs it fails without the file then.
const FILE: &str = "DELAYCAST_AXE";

/// Returns the text of axe-core; `None`, with a printed line, if it is not here.
pub(crate) fn script() -> Option<String> {
    let named = std::env::var_os(FILE).map(PathBuf::from);
    let is_named = named.is_some();
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/test-tools/axe.min.js");
    let script = fs::read_to_string(named.unwrap_or_else(usual));
    assert!(script.is_ok() || !is_named, "{FILE} names no file that can be read");
    if script.is_err() {
        println!("SKIPPED: no axe-core here; ./test gets it, or set {FILE}");
    }
    script.ok()
}

/// Returns what axe-core finds wrong on the page that is open: rules, and the elements that break them.
pub(crate) fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.execute(axe, json!([]));
    let run = "const done = arguments[0]; axe.run().then((found) => done(found.violations.map((rule) => \
               `${rule.id}: ${rule.nodes.map((node) => node.html + ' ' + node.failureSummary).join('; ')}`)), \
               (error) => done([String(error)]));";
    let found = browser.execute_async(run);
    let texts = found.as_array().unwrap().iter().map(Value::as_str);
    texts.map(|text| text.unwrap().to_owned()).collect()
}
