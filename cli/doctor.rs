//! `delaycast doctor`: inspects everything that a system depends on.

use anyhow::bail;
use clap::Args as ClapArgs;
use delaycast::model::ModelDir;
use engine::{
    clock,
    finding::{Finding, Severity},
    model::published_at,
};
use indicatif::HumanDuration;
use serde::Serialize;

use crate::{
    app::{inspect_events, inspect_log, inspect_store},
    options::{EventsOption, Format, SystemOptions},
};

/// Look whether log, store, events and model are well, and say what to do where not
///
/// An embedded file is read as it is: nothing is made, not even a file that is missing.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  delaycast doctor --log kafka://broker:9092 \\
      --store mongodb://db:27017 --models /models

Exit codes: 0 all is well, or works; 1 something does not work.")]
pub(crate) struct Args {
    #[command(flatten)]
    system: SystemOptions,
    #[command(flatten)]
    events: EventsOption,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Report {
    #[serde(rename = "state")]
    severity: Severity,
    findings: Vec<Finding>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let system = &args.system;
    let url = |what, error: anyhow::Error| {
        vec![Finding::fail(what, format!("{error:#}"), "correct the URL, or mend what it names")]
    };
    let mut findings = inspect_log(&system.log.url).unwrap_or_else(|error| url("log", error));
    let store = inspect_store(&system.store.url).unwrap_or_else(|error| url("store", error));
    let events = args.events.url().map(|at| inspect_events(at).unwrap_or_else(|error| url("log", error)));
    // The dead letters of an embedded file are counted together.
    let counted = |finding: &Finding| finding.what == "dead letters" && findings.contains(finding);
    let events = events.into_iter().flatten().filter(|finding| !counted(finding)).map(of_events);
    for finding in store.into_iter().chain(events.collect::<Vec<_>>()) {
        // Log, store and events may be one file: all report the same finding of it.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings.extend(wrong_clock());
    findings.extend(model(&ModelDir::new(&system.models.models)));
    let severity = worst(&findings);
    let report = Report { severity, findings };
    args.format.print(&report, |report| report.findings.iter().map(in_words).collect::<Vec<_>>().join("\n"))?;
    if severity == Severity::Fail {
        bail!("something does not work: see above");
    }
    Ok(())
}

/// Returns a finding on a log as one on the log of events, under a name of its own.
fn of_events(finding: Finding) -> Finding {
    let what = match finding.what {
        "log" => "events",
        "topic" => "events topic",
        "lag" => "events lag",
        "dead letters" => "dead events",
        other => other,
    };
    // A command of the advice has the log of requests for its default.
    let advice = finding.advice.map(|advice| advice.replace("delaycast replay", "delaycast replay --log EVENTS"));
    Finding { what, advice, ..finding }
}

fn worst(findings: &[Finding]) -> Severity {
    let any = |severity| findings.iter().any(|finding| finding.severity == severity);
    [Severity::Fail, Severity::Warn].into_iter().find(|severity| any(*severity)).unwrap_or(Severity::Ok)
}

/// Returns a finding if the clock is out of bounds.
fn wrong_clock() -> Option<Finding> {
    let wrong = clock::wall().err()?;
    Some(Finding::fail("clock", wrong.to_string(), "set it, as with chronyc makestep or timedatectl"))
}

fn model(models: &ModelDir) -> Vec<Finding> {
    let loaded = match models.load_current() {
        Ok(loaded) => loaded,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            return vec![Finding::fail("model", format!("{error}{cause}"), "train one, or name another directory")];
        }
    };
    let name = loaded.version.as_str();
    let age = published_at(&loaded.version).map(|at| (clock::now() - at).to_std().unwrap_or_default());
    let age = age.map(|age| format!(", made {} ago", HumanDuration(age))).unwrap_or_default();
    vec![Finding::ok("model", format!("{name} can be read{age}"))]
}

fn in_words(finding: &Finding) -> String {
    let sign = match finding.severity {
        Severity::Ok => "ok     ",
        Severity::Warn => "notice ",
        Severity::Fail => "BROKEN ",
    };
    let mut text = format!("{sign} {:<12} {}", finding.what, finding.found);
    if let Some(advice) = &finding.advice {
        text += &format!("\n{:>20} {advice}", "->");
    }
    text
}
