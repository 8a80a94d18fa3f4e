//! `delaycast predict`: answers requests on a pipe.

use std::io::{self, BufWriter};

use clap::Args as ClapArgs;
use delaycast::{
    model::{Model, ModelDir},
    predict::{PredictError, predict},
};

use crate::{options::ModelsOption, progress::say_if_typed};

/// Answer requests from standard input on standard output, one JSON object a line, without a log or a store.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  echo '{\"UUID\":\"u-1\",\"Carrier\":\"AA\",\"Origin\":\"ATL\",\"Dest\":\"SFO\",' \\
       '\"FlightDate\":\"2016-12-25\",\"DepDelay\":5}' | delaycast predict

A request may also bring its schedule (CRSDepTime, CRSArrTime) and the Weather where it starts: docs/compatibility.md.
A line that is no request is answered with {\"status\":\"REJECTED\",…}, in its place.")]
pub(crate) struct Args {
    #[command(flatten)]
    models: ModelsOption,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let model = ModelDir::new(&args.models.models).load_current()?.map(Model::explaining);
    say_if_typed();
    match predict(&model, io::stdin(), BufWriter::new(io::stdout().lock())) {
        Ok(counts) => {
            tracing::info!("{} answered, {} rejected", counts.answered, counts.rejected);
            Ok(())
        }
        // The reader of the output has closed the pipe.
        Err(PredictError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
    }
}
