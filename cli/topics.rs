//! `delaycast topics`: the topics of requests and of dead letters.

use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};
use engine::log::{Topic, TopicOptions};
use indicatif::HumanDuration;

use crate::{
    options::{Format, LogOption},
    replay::duration,
};

/// Make the topics of requests and of dead letters
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(CreateArgs),
}

/// Make the topic of requests, and the one of its dead letters, unless they are there
///
/// A topic that exists stays as it is and is printed. The command can be repeated. An embedded file that does not
/// exist is made.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  delaycast topics create --replication 3 --retention 7d \\
      --log 'kafka://broker:9092/requests?partitions=12'

The URL says how many partitions a new topic of requests gets (4 if it does not); one of dead letters has one.")]
struct CreateArgs {
    #[command(flatten)]
    log: LogOption,
    /// Copies of each message; the brokers' own default if it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    replication: Option<u32>,
    /// How long messages are kept, as in 12h or 7d, dead letters for 30 days at least; the brokers' own default if it
    /// is not given
    #[arg(long, value_name = "TIME", value_parser = retention)]
    retention: Option<Duration>,
    /// How to print what is there
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn retention(text: &str) -> Result<Duration, String> {
    let kept = duration(text).and_then(|kept| Ok(kept.to_std()?)).map_err(|error| error.to_string())?;
    if kept.is_zero() { Err("nothing would be kept".to_owned()) } else { Ok(kept) }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let Command::Create(args) = &args.command;
    let log = args.log.open()?;
    let options = TopicOptions { replication: args.replication, retention: args.retention };
    let topics =
        log.create_topics(&options).with_context(|| format!("cannot make the topics of {}", log.describe()))?;
    args.format
        .print(&topics, |topics| topics.iter().map(|topic| in_words(topic, &options)).collect::<Vec<_>>().join("\n"))
}

fn in_words(topic: &Topic, options: &TopicOptions) -> String {
    let mut words = format!("{} {}", if topic.created { "made " } else { "there" }, topic.name);
    words += &format!(": {} partitions", topic.partitions);
    if let Some(copies) = topic.replication {
        words += &format!(", {copies} copies");
    }
    if let Some(seconds) = topic.retention_s {
        words += &format!(", kept for {}", HumanDuration(Duration::from_secs(seconds)));
    }
    let other_copies = options.replication.is_some() && options.replication != topic.replication;
    // Dead letters may be kept for longer than requests are.
    let may_be_longer = topic.name.ends_with(".dlq");
    let differs = |wanted: u64, kept: u64| kept < wanted || kept > wanted && !may_be_longer;
    let other_time =
        options.retention.is_some_and(|wanted| topic.retention_s.is_none_or(|kept| differs(wanted.as_secs(), kept)));
    if other_copies || other_time {
        words += "\n      not as asked for: this log has its own, or it was there before; change it with the log's own tools";
    }
    words
}
