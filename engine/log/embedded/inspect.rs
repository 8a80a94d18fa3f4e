//! Examines an embedded log for operators; creates and changes nothing.

use std::path::Path;

use crate::{
    clock,
    delivery::Unavailable,
    finding::Finding,
    log::connector::{dead_letters, lag_of},
    sqlite::{Group, Inspector, Retained, TableStats},
};

/// Returns the findings on the database at `path`, and on a topic and a group of it.
pub(super) fn inspect(inspector: &Inspector, topic: &str, group: &str) -> Vec<Finding> {
    let path = inspector.path();
    let mut findings = inspector.findings();
    match examine(inspector, topic, group) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(broken(path, &error)),
    }
    findings
}

/// Returns the finding on the lag of a group, and on whether a process reads for it now.
fn lag(group: &str, to_go: Option<u64>, is_read: bool) -> Finding {
    match (to_go, is_read) {
        (None, true) => Finding::ok("lag", format!("a scorer reads for group {group}, and has committed nothing yet")),
        (Some(to_go @ 1..), false) => {
            let found = format!("group {group} has {to_go} messages to go, and no scorer reads for it");
            Finding::warn("lag", found, "start a scorer")
        }
        _ => {
            let mut finding = lag_of(group, to_go.is_some(), to_go.unwrap_or(0));
            if is_read {
                finding.found += "; a scorer reads for it";
            }
            finding
        }
    }
}

fn broken(path: &Path, error: &Unavailable) -> Finding {
    Finding::fail("log", error.to_string(), format!("look after {}", path.display()))
}

fn examine(inspector: &Inspector, topic: &str, group: &str) -> Result<Vec<Finding>, Unavailable> {
    let path = inspector.path().display();
    let partitions = inspector.partitions(topic)?;
    if partitions == 0 {
        let advice = "name the topic that is meant; `delaycast topics create`, `send`, `up` and scorers make one";
        return Ok(vec![Finding::warn("topic", format!("{path} has no topic {topic}"), advice)]);
    }
    let Retained { messages, bytes } = inspector.retained(topic)?;
    let mut findings = vec![
        Finding::ok(
            "log",
            format!("{path} can be read, and keeps {messages} messages (about {} KiB)", bytes.div_ceil(1024)),
        ),
        Finding::ok("topic", format!("{topic} has {partitions} partitions")),
    ];
    let groups: Vec<Group> = inspector.groups()?.into_iter().filter(|found| found.topic == topic).collect();
    let own = groups.iter().find(|found| found.group == group);
    let is_read = inspector.is_read(topic, group)?;
    findings.push(lag(group, own.map(|own| own.to_go), is_read));
    let now = clock::now();
    let last = groups.iter().map(|group| group.committed_at).max();
    for idle in groups.iter().filter(|found| found.group != group && found.retains_alone()) {
        let words = idle.describe(now, Some(idle.committed_at) == last);
        findings.push(Finding::warn("group", words, format!("delaycast groups remove {}", idle.group)));
    }
    let dead = inspector.table_stats()?.into_iter().find(|table| table.name == "dead_letters");
    findings.push(dead_letters(dead.as_ref().map_or(0, |table: &TableStats| table.rows)));
    Ok(findings)
}
