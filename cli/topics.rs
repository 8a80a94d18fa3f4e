//! `delaycast topics`: the topics of requests, of events, and of their dead letters.

use std::time::Duration;

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};
use delaycast::domain::Flights;
use engine::{
    domain::Domain,
    log::{Log, Topic, TopicOptions},
};
use indicatif::HumanDuration;

use crate::{
    app::{events_at, events_beside, open_answers, open_events},
    options::{Format, LogOption},
    replay::duration,
};

/// Make the topics of requests, of events and of dead letters
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Create(CreateArgs),
}

/// Make the topics of requests and of events, and those of their dead letters, unless they are there
///
/// A topic that exists stays as it is and is printed. The command can be repeated. An embedded file that does not
/// exist is made. Events are kept for 30 days at least: a scorer that starts reads all of them.
#[derive(ClapArgs)]
#[command(after_help = "Example:
  delaycast topics create --replication 3 --retention 7d \\
      --log 'kafka://broker:9092/requests?partitions=12'

The URL says how many partitions a new topic gets (4 if it does not); one of dead letters has one.")]
struct CreateArgs {
    #[command(flatten)]
    log: LogOption,
    /// The log of events: sqlite:PATH, kafka://HOST:PORT/TOPIC, or none, which makes no topic of events [default: the
    /// topic of events beside that of --log, with as many partitions]
    #[arg(long, value_name = "URL", env = "DELAYCAST_EVENTS", hide_env_values = true)]
    events: Option<String>,
    /// The topic of answers, if scorers write one: sqlite:PATH, or kafka://HOST:PORT/TOPIC
    #[arg(long, value_name = "URL", env = "DELAYCAST_ANSWERS", hide_env_values = true)]
    answers: Option<String>,
    /// Copies of each message; the brokers' own default if it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=32))]
    replication: Option<u32>,
    /// The time for which messages are kept, as in 12h or 7d, events and dead letters for 30 days at least; the
    /// brokers' own default if it is not given
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
    let events = match &args.events {
        Some(url) => events_at(url).map(str::to_owned),
        None => Some(events_beside(&args.log.url)?),
    };
    let events = events.map(|url| open_events(&url)).transpose()?;
    let options = TopicOptions { replication: args.replication, retention: args.retention };
    let least = Flights::EVENTS.map_or(Duration::ZERO, |events| events.retention);
    let of_events = TopicOptions { retention: args.retention.map(|kept| kept.max(least)), ..options };
    let mut made = create(&*log, options)?;
    if let Some(events) = events {
        made.extend(create(&*events, of_events)?);
    }
    if let Some(url) = &args.answers {
        // Nothing is a dead letter of answers.
        let topics = create(&*open_answers(url)?, options)?;
        made.extend(topics.into_iter().filter(|(topic, _)| !topic.name.ends_with(".dlq")));
    }
    let (topics, words): (Vec<_>, Vec<_>) = made
        .into_iter()
        .map(|(topic, options)| {
            let words = in_words(&topic, &options);
            (topic, words)
        })
        .unzip();
    args.format.print(&topics, |_| words.join("\n"))
}

/// Makes the topics of a log, and returns them, each with the options that it was made with.
fn create(log: &dyn Log, options: TopicOptions) -> anyhow::Result<Vec<(Topic, TopicOptions)>> {
    let topics = log.create_topics(&options);
    let topics = topics.with_context(|| format!("cannot make the topics of {}", log.describe()))?;
    Ok(topics.into_iter().map(|topic| (topic, options)).collect())
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
