//! Grows forests and scores with them by delaycast and other libraries, each in a process of its own, in turns on the
//! same rows.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use chrono::NaiveDate;
use delaycast::{features::Preset, forest::ForestSettings};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    measure::{BATCH, Line},
    ours,
    rows::Written,
    values::{Boosted, Data, Forest, LIGHTGBM, LINFA_ALL_COLUMNS, Lines, SCIKIT_LEARN, Values},
};
use crate::{
    embedded::folder,
    results::{Measurement, Spread},
};

/// The first day that is held out of the bundled flights.
const HOLDOUT_FROM: &str = "2013-10-01";
/// Rounds of boosting; the best of every twentieth counts.
const BOOSTING_ROUNDS: &str = "200";
/// Depth of the forests that are grown from half of another history and from all of it.
const HALVES_DEPTH: u32 = 10;

#[derive(Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// The Python that has the other libraries
    #[arg(long, default_value = "target/forest-peers/bin/python")]
    #[serde(skip)]
    python: PathBuf,
    /// An imported history, to compare on besides the bundled flights
    #[arg(long, requires_all = ["holdout_from", "data_name"])]
    #[serde(skip)]
    data: Option<PathBuf>,
    /// Its first day held out
    #[arg(long)]
    holdout_from: Option<NaiveDate>,
    /// Its name in the tables
    #[arg(long)]
    data_name: Option<String>,
    /// Number of rounds, each of all libraries
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Measurement for Options {
    const NAME: &'static str = "forest";
    type Values = Values;
}

pub(crate) fn measure(options: &Options) -> anyhow::Result<Values> {
    let folder = folder()?;
    let bench = env::current_exe()?;
    let programs = Programs { bench: &bench, python: &options.python };
    let write = |name: &str, preset: Preset, holdout_from: &str, data: Option<&Path>| {
        let to = folder.path().join(name);
        let mut command = programs.step("rows");
        command.arg("--to").arg(&to).args(["--preset", preset.as_str(), "--holdout-from", holdout_from]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let written: Vec<Written> = lines(&mut command)?;
        let written = written.into_iter().next().context("no rows were written")?;
        Ok::<_, anyhow::Error>(Case::new(preset, to, written))
    };
    let legacy = write("legacy", Preset::Legacy, HOLDOUT_FROM, None)?;
    let default = write("default", Preset::Default, HOLDOUT_FROM, None)?;
    let (mut legacy_lines, mut default_lines) = (Lines::default(), Lines::default());
    for round in 1..=options.rounds {
        println!("  round {round} of {}", options.rounds);
        for threads in ["1", "2"] {
            let at = ["--threads", threads];
            legacy_lines.extend(lines(legacy.settings(programs.step("ours")).args(at))?);
            legacy_lines.extend(lines(legacy.settings(programs.step("linfa")).args(at))?);
            legacy_lines.extend(lines(legacy.settings(programs.peers()).args(at))?);
            default_lines.extend(lines(default.settings(programs.step("ours")).args(at))?);
            default_lines.extend(lines(default.settings(programs.peers()).args(at))?);
        }
        let all = Case { max_features: legacy.written.columns, ..legacy.clone() };
        let all_columns: Vec<Line> = lines(all.settings(programs.step("linfa")).arg("--train-only"))?;
        let named = |line| Line { library: LINFA_ALL_COLUMNS.to_owned(), ..line };
        legacy_lines.extend(all_columns.into_iter().map(named).collect());
    }
    let data = match (&options.data, options.holdout_from) {
        (Some(data), Some(from)) => {
            let case = write("data", Preset::Default, &from.to_string(), Some(data))?;
            Some(measure_data(options, programs, &case)?)
        }
        _ => None,
    };
    Ok(Values {
        batch: BATCH,
        legacy: legacy.summarise(&legacy_lines)?,
        boosted: default.beside_boosted(programs)?,
        default: default.summarise(&default_lines)?,
        data,
    })
}

fn measure_data(options: &Options, programs: Programs<'_>, case: &Case) -> anyhow::Result<Data> {
    let shallower = Case { depth: HALVES_DEPTH, ..case.clone() };
    let grow = |thousandths| {
        let mut command = shallower.settings(programs.step("ours"));
        let grown: Vec<Line> = lines(command.args(["--thousandths", thousandths, "--train-only"]))?;
        grown.into_iter().next().context("no forest was grown")
    };
    let mut rounds = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        rounds.push((grow("500")?, grow("1000")?));
    }
    let (half, whole) = rounds.first().context("no rounds")?;
    Ok(Data {
        half_rows: half.rows,
        whole_rows: whole.rows,
        depth: HALVES_DEPTH,
        half_cpu_s: Spread::over(&rounds, |(half, _)| half.cpu_s)?,
        whole_cpu_s: Spread::over(&rounds, |(_, whole)| whole.cpu_s)?,
        ratio: Spread::over(&rounds, |(half, whole)| whole.cpu_s / half.cpu_s)?,
        boosted: case.beside_boosted(programs)?,
    })
}

/// The programs that print lines.
#[derive(Clone, Copy)]
struct Programs<'a> {
    bench: &'a Path,
    python: &'a Path,
}

impl Programs<'_> {
    fn step(self, step: &str) -> Command {
        let mut command = Command::new(self.bench);
        command.args(["forest", step]);
        command
    }

    fn peers(self) -> Command {
        let mut command = Command::new(self.python);
        command.arg("bench/forest/peers.py");
        command
    }
}

/// Rows, and the settings of the forests that are grown from them.
#[derive(Clone)]
struct Case {
    rows: PathBuf,
    written: Written,
    trees: u32,
    depth: u32,
    max_features: usize,
    min_samples_leaf: u32,
}

impl Case {
    fn new(preset: Preset, rows: PathBuf, written: Written) -> Self {
        let ForestSettings { trees, depth, max_features, min_samples_leaf, .. } =
            ForestSettings::from_preset(preset, 1);
        Case { rows, max_features: max_features.resolve(written.columns), written, trees, depth, min_samples_leaf }
    }

    fn settings(&self, mut command: Command) -> Command {
        command.arg("--rows").arg(&self.rows);
        for (option, number) in [
            ("--trees", self.trees as usize),
            ("--depth", self.depth as usize),
            ("--max-features", self.max_features),
            ("--min-samples-leaf", self.min_samples_leaf as usize),
        ] {
            command.args([option, &number.to_string()]);
        }
        command
    }

    fn summarise(self, lines: &Lines) -> anyhow::Result<Forest> {
        let rows = self.written.rows;
        Ok(Forest {
            trees: self.trees,
            depth: self.depth,
            columns: self.written.columns,
            max_features: self.max_features,
            min_samples_leaf: self.min_samples_leaf,
            rows,
            delaycast_log_loss: lines.log_loss(ours::LIBRARY)?,
            scikit_learn_log_loss: lines.log_loss(SCIKIT_LEARN)?,
            lightgbm_log_loss: lines.log_loss(LIGHTGBM)?,
            one_thread: lines.steps(rows, 1)?,
            two_threads: lines.steps(rows, 2)?,
        })
    }

    fn beside_boosted(&self, programs: Programs<'_>) -> anyhow::Result<Boosted> {
        let first = |command: &mut Command| {
            let line = lines::<Line>(command)?.into_iter().next().context("nothing was grown")?;
            let log_loss = line.log_loss.context("no log-loss")?;
            Ok::<_, anyhow::Error>((line.cpu_s, log_loss))
        };
        let (forest_cpu_s, forest_log_loss) = first(self.settings(programs.step("ours")).arg("--train-only"))?;
        let (boosted_cpu_s, boosted_log_loss) =
            first(self.settings(programs.peers()).args(["--boosted", BOOSTING_ROUNDS]))?;
        Ok(Boosted {
            rows: self.written.rows,
            forest_log_loss,
            forest_cpu_s,
            boosted_log_loss,
            boosted_cpu_s,
            lookup_table_log_loss: self.written.lookup_table_log_loss,
            ratio: forest_log_loss / boosted_log_loss,
        })
    }
}

/// Runs a command, and returns the lines of JSON that it prints.
pub(crate) fn lines<L: DeserializeOwned>(command: &mut Command) -> anyhow::Result<Vec<L>> {
    let program = command.get_program().display().to_string();
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {program}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    print!("{text}");
    let json = text.lines().filter(|line| line.starts_with('{'));
    json.map(|line| Ok(serde_json::from_str(line)?)).collect()
}
