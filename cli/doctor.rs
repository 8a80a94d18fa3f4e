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
    app::{inspect_log, inspect_store},
    options::{Format, SystemOptions},
};

/// Look whether log, store and model are well, and say what to do where not
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
    for finding in inspect_store(&system.store.url).unwrap_or_else(|error| url("store", error)) {
        // Log and store may be one file: both report the same finding of it.
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
