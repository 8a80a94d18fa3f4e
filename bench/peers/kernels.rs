//! Scoring on one core: the forests of delaycast beside compilers and runtimes of forests of the same shapes.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use delaycast::{features::Preset, forest::ForestSettings};
use serde::{Deserialize, Serialize};

use super::installed::Installed;
use crate::{
    embedded::folder,
    forest::{BATCH, IN_BATCHES, LIBRARY, Line, ONE_BY_ONE, Written, lines},
    results::{Measurement, Spread},
};

/// The first day that is held out of the bundled flights; later ones are scored.
const HOLDOUT_FROM: &str = "2013-10-01";
/// The command that keeps a process on one core.
const ON_ONE_CORE: [&str; 3] = ["taskset", "--cpu-list", "0"];

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(skip)]
    installed: Installed,
    /// The shapes, by their presets: `seed` has 20 trees of depth 5
    #[arg(long, value_delimiter = ',', default_value = "seed,default")]
    shapes: Vec<String>,
    /// Number of rounds
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Values {
    batch: usize,
    shapes: Vec<Shape>,
}

/// A shape of forests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    preset: String,
    trees: u32,
    depth: u32,
    columns: usize,
    max_features: usize,
    min_samples_leaf: u32,
    delaycast: Scored,
    peers: Vec<Peer>,
}

/// Rows a CPU second.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scored {
    in_batches: Spread,
    one_by_one: Spread,
}

/// A library beside delaycast.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    about: About,
    scored: Scored,
    /// Its CPU time by delaycast's.
    in_batches_ratio: Spread,
    one_by_one_ratio: Spread,
}

/// A line of `kernels.py prepare` on a library.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    library: String,
    /// The model that it runs.
    model: String,
    trees: usize,
    /// Of all trees.
    leaves: usize,
    /// Absent of a library that does not compile.
    compile_s: Option<f64>,
    /// The most that a probability differs from that of the library which has trained the model.
    difference: f64,
}

impl Measurement for Options {
    const NAME: &'static str = "peers-kernels";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let folder = folder()?;
    let cases = options.shapes.iter().map(|preset| Case::prepare(options, preset, folder.path()));
    let mut cases = cases.collect::<anyhow::Result<Vec<_>>>()?;
    for round in 1..=options.rounds {
        println!("  round {round} of {}", options.rounds);
        for case in &mut cases {
            case.score(options)?;
        }
    }
    Ok(Values { batch: BATCH, shapes: cases.into_iter().map(Case::summarise).collect::<anyhow::Result<_>>()? })
}

/// A shape whose peers are compiled.
struct Case {
    preset: String,
    rows: PathBuf,
    written: Written,
    settings: ForestSettings,
    about: Vec<About>,
    scored: Scores,
}

impl Case {
    fn prepare(options: &Options, preset: &str, folder: &Path) -> anyhow::Result<Self> {
        let rows = folder.join(preset);
        let mut write = Command::new(env::current_exe()?);
        write.args(["forest", "rows", "--holdout-from", HOLDOUT_FROM, "--preset", preset, "--to"]).arg(&rows);
        let written = lines::<Written>(&mut write)?.pop().context("no rows were written")?;
        let settings = ForestSettings::from_preset(preset.parse::<Preset>()?, 1);
        let mut case =
            Case { preset: preset.to_owned(), rows, written, settings, about: Vec::new(), scored: Scores::default() };
        println!("  compiling for the shape {preset}");
        case.about = lines(&mut case.peers(options, "prepare", Command::new("env")))?;
        Ok(case)
    }

    /// A round of all libraries.
    fn score(&mut self, options: &Options) -> anyhow::Result<()> {
        let [taskset, arguments @ ..] = ON_ONE_CORE;
        let on_one_core = || {
            let mut command = Command::new(taskset);
            command.args(arguments);
            command
        };
        let mut ours = on_one_core();
        ours.arg(env::current_exe()?).args(["forest", "ours"]);
        self.scored.extend(lines(self.shaped(&mut ours))?);
        self.scored.extend(lines(&mut self.peers(options, "score", on_one_core()))?);
        Ok(())
    }

    /// A command of the peers, behind another one.
    fn peers(&self, options: &Options, step: &str, mut before: Command) -> Command {
        let python = options.installed.python("kernels", "kernels.py");
        before.arg(python.get_program()).args(python.get_args()).arg(step);
        before.arg("--compiled").arg(options.installed.compiled());
        self.shaped(&mut before);
        before
    }

    fn shaped<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("--rows").arg(&self.rows);
        for (option, number) in [
            ("--trees", self.settings.trees as usize),
            ("--depth", self.settings.depth as usize),
            ("--max-features", self.max_features()),
            ("--min-samples-leaf", self.settings.min_samples_leaf as usize),
        ] {
            command.args([option, &number.to_string()]);
        }
        command
    }

    fn max_features(&self) -> usize {
        self.settings.max_features.resolve(self.written.columns)
    }

    fn summarise(self) -> anyhow::Result<Shape> {
        let peers = self.about.iter().map(|about| {
            let library = about.library.as_str();
            let ratio = |step| Spread::of(self.scored.ratios(library, step)?);
            anyhow::Ok(Peer {
                scored: self.scored.of(library)?,
                in_batches_ratio: ratio(IN_BATCHES)?,
                one_by_one_ratio: ratio(ONE_BY_ONE)?,
                about: About { library: library.to_owned(), model: about.model.clone(), ..*about },
            })
        });
        let peers = peers.collect::<anyhow::Result<_>>()?;
        Ok(Shape {
            trees: self.settings.trees,
            depth: self.settings.depth,
            columns: self.written.columns,
            max_features: self.max_features(),
            min_samples_leaf: self.settings.min_samples_leaf,
            delaycast: self.scored.of(LIBRARY)?,
            preset: self.preset,
            peers,
        })
    }
}

/// CPU seconds a row, by library and step, of each round.
#[derive(Default)]
struct Scores(BTreeMap<(String, String), Vec<f64>>);

impl Scores {
    fn extend(&mut self, lines: Vec<Line>) {
        for line in lines {
            self.0.entry((line.library, line.step)).or_default().push(line.cpu_s / line.rows as f64);
        }
    }

    fn rounds(&self, library: &str, step: &str) -> anyhow::Result<&[f64]> {
        let rounds = self.0.get(&(library.to_owned(), step.to_owned()));
        Ok(rounds.with_context(|| format!("nothing measured of {library}: {step}"))?)
    }

    /// A library's CPU time by delaycast's.
    fn ratios(&self, library: &str, step: &str) -> anyhow::Result<Vec<f64>> {
        let (theirs, ours) = (self.rounds(library, step)?, self.rounds(LIBRARY, step)?);
        ensure!(theirs.len() == ours.len(), "{library} has {} rounds of {step}, not {}", theirs.len(), ours.len());
        Ok(theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect())
    }

    fn of(&self, library: &str) -> anyhow::Result<Scored> {
        let rows_per_cpu_s = |step| Spread::over(self.rounds(library, step)?, |each_s| 1.0 / each_s);
        Ok(Scored { in_batches: rows_per_cpu_s(IN_BATCHES)?, one_by_one: rows_per_cpu_s(ONE_BY_ONE)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_library_is_compared_round_by_round() {
        let mut scores = Scores::default();
        let line = |library: &str, cpu_s| Line {
            library: library.to_owned(),
            step: IN_BATCHES.to_owned(),
            threads: 1,
            rows: 1000,
            cpu_s,
            seconds: cpu_s,
            log_loss: None,
        };
        scores.extend(vec![line(LIBRARY, 1.0), line("peer", 4.0), line(LIBRARY, 2.0), line("peer", 2.0)]);
        assert_eq!(scores.ratios("peer", IN_BATCHES).unwrap(), [4.0, 1.0]);
        assert!(scores.ratios("peer", ONE_BY_ONE).is_err() && scores.of("another").is_err());
        scores.extend(vec![line("peer", 2.0)]);
        assert!(scores.ratios("peer", IN_BATCHES).is_err());
    }

    #[test]
    fn a_line_about_a_library_is_read() {
        let line = r#"{"library": "lleaves", "model": "m", "trees": 80, "leaves": 2549, "compile_s": 9.8,
            "difference": 1.1e-15}"#;
        let about: About = serde_json::from_str(line).unwrap();
        assert_eq!((about.library.as_str(), about.trees, about.leaves), ("lleaves", 80, 2549));
    }
}
