//! Tests of the comparison, of the file of a baseline, and of what is printed. They count nothing.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    baseline::Baseline,
    compare::{Compared, Comparison, Outcome, Verdict, share_of_saying_why},
    report, steps,
};

fn counts(rustc: &str, counts: &[(&str, u64)]) -> Baseline {
    let environment = BTreeMap::from([("rustc".to_owned(), rustc.to_owned())]);
    Baseline::new(environment, counts.iter().map(|(step, count)| ((*step).to_owned(), *count)).collect())
}

#[test]
fn a_count_within_three_per_cent_of_the_baseline_is_the_same() {
    for (baseline, measured, verdict) in [
        (Some(10_000), Some(10_000), Verdict::Same),
        (Some(10_000), Some(10_299), Verdict::Same),
        (Some(10_000), Some(9_701), Verdict::Same),
        (Some(10_000), Some(10_301), Verdict::More),
        (Some(10_000), Some(20_000), Verdict::More),
        (Some(10_000), Some(9_699), Verdict::Less),
        (Some(10_000), Some(0), Verdict::Less),
        (Some(1), Some(2), Verdict::More),
        (None, Some(10_000), Verdict::New),
        (Some(10_000), None, Verdict::Gone),
    ] {
        assert_eq!(Verdict::of(baseline, measured), verdict, "{baseline:?} and {measured:?}");
    }
}

#[test]
fn more_instructions_fail_and_fewer_do_not() {
    let baseline = counts("1", &[("decode", 1000), ("render", 2000)]);
    for (measured, outcome, says) in [
        (vec![("decode", 1000), ("render", 2010)], Outcome::Passes, "all steps are within 3 %"),
        (vec![("decode", 1000), ("render", 2100)], Outcome::Fails, "over 3 % more instructions: render\nerror:"),
        (vec![("decode", 900), ("render", 2000)], Outcome::Passes, "good news: over 3 % fewer instructions: decode"),
        (vec![("decode", 900), ("render", 2100)], Outcome::Fails, "error:"),
        (vec![("decode", 1000)], Outcome::Fails, "not counted: render"),
        (vec![("decode", 1000), ("render", 2000), ("land", 1)], Outcome::Fails, "not in the baseline: land"),
    ] {
        let comparison = Comparison::new(&baseline, &counts("1", &measured), Compared::All);
        assert_eq!(comparison.outcome(), outcome, "{measured:?}");
        let text = report::verdict(&comparison);
        assert!(text.contains(says), "{says:?} is not in {text:?}");
        assert_eq!(text.contains("bench/guard/run renew"), says != "all steps are within 3 %", "{text:?}");
    }
}

#[test]
fn counts_of_another_compiler_are_not_comparable_and_the_report_says_so() {
    let baseline = counts("rustc 1.95.0", &[("decode", 1000)]);
    let comparison = Comparison::new(&baseline, &counts("rustc 1.96.0", &[("decode", 2000)]), Compared::All);
    assert_eq!(comparison.outcome(), Outcome::NotComparable);
    let text = report::verdict(&comparison);
    for says in ["not comparable, so nothing fails", r#"rustc: "rustc 1.95.0", now "rustc 1.96.0""#, "run since"] {
        assert!(text.contains(says), "{says:?} is not in {text:?}");
    }
    assert!(report::table(&comparison).contains("+100.00 %  more"), "{}", report::table(&comparison));
}

#[test]
fn saying_why_is_explaining_and_what_it_adds_to_writing() {
    let steps = [("read", 100), ("decode", 200), ("score", 150), ("explain", 200), ("land", 500), ("land-plain", 350)];
    let counted = counts("1", &steps);
    assert_eq!(share_of_saying_why(&counted.instructions), Some(0.2));
    assert!(report::saying_why(Some(0.2)).starts_with("saying why takes 20.0 % of"));
    assert!(report::saying_why(Some(0.26)).contains("error: at most 25 %"));
    assert_eq!(share_of_saying_why(&counts("1", &steps[..5]).instructions), None);
    assert_eq!(report::saying_why(None), "");
}

#[test]
fn some_steps_are_compared_alone() {
    let (baseline, measured) =
        (counts("1", &[("decode", 1), ("render", 1)]), counts("1", &[("decode", 1), ("land", 1)]));
    for (compared, expected) in [
        (Compared::All, vec!["decode", "land", "render"]),
        (Compared::Counted, vec!["decode", "land"]),
        (Compared::Common, vec!["decode"]),
    ] {
        let comparison = Comparison::new(&baseline, &measured, compared);
        assert_eq!(comparison.rows.iter().map(|row| row.step.as_str()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_broken_baseline_is_an_error_that_names_the_file_and_what_to_do() {
    let whole = r#"{"format":1,"environment":{"rustc":"1"},"instructions":{"decode":1000}}"#;
    assert_eq!(Baseline::parse(whole).unwrap(), counts("1", &[("decode", 1000)]));
    let path = std::env::temp_dir().join(format!("delaycast-guard-{}.json", std::process::id()));
    let error = || format!("{:#}", Baseline::read(&path).unwrap_err());
    assert!(error().contains("cannot read the baseline") && error().contains("bench/guard/run renew"), "{}", error());
    for (broken, says) in [
        (String::new(), "EOF"),
        (whole[..40].to_owned(), "EOF"),
        (whole.replace("1000", "-1"), "invalid value"),
        (whole.replace("1000", "0"), "has the count 0: decode"),
        (whole.replace("\"format\":1", "\"format\":2"), "its format is 2"),
        (whole.replace("\"decode\":1000", ""), "no counts"),
        (whole.replace("environment", "machine"), "unknown field"),
    ] {
        fs::write(&path, &broken).unwrap();
        let error = error();
        let all = [says, &path.display().to_string(), "git checkout", "bench/guard/run renew"];
        assert!(all.iter().all(|says| error.contains(says)), "{broken:?}: {error}");
    }
    let written = counts("1", &[("decode", 7)]);
    written.write(&path).unwrap();
    assert_eq!(Baseline::read(&path).unwrap(), written);
    fs::remove_file(&path).unwrap();
}

/// A step that is added is in the baseline, also where valgrind is not.
#[test]
fn the_committed_baseline_has_all_steps() {
    let committed = Baseline::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.json")).unwrap();
    let mut names: Vec<&str> = steps::ALL.iter().map(|step| step.name).collect();
    names.sort_unstable();
    assert_eq!(committed.instructions.keys().map(String::as_str).collect::<Vec<_>>(), names);
}
