//! `delaycast groups`: the consumer groups of an embedded log.

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, Subcommand};
use delaycast::domain::Flights;
use engine::{clock, log, sqlite::Group};
use indicatif::HumanDuration;
use serde::Serialize;

use crate::options::{Format, LogOption};

/// List the consumer groups of an embedded log, or remove one
///
/// A group keeps what it has not committed from being dropped. Kafka keeps its groups itself: kafka-consumer-groups.sh
/// lists and deletes them.
#[derive(ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(ListArgs),
    Remove(RemoveArgs),
}

/// List the groups that have committed an offset
///
/// Of each: messages to go, what it alone keeps in the log, when it has committed last, whether a scorer reads for it.
/// A group without a commit for 30 days expires, unless it is the one of its topic that has committed last.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast groups list --log sqlite:var/delaycast.db")]
struct ListArgs {
    #[command(flatten)]
    log: LogOption,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Remove a group's committed offsets
///
/// Messages that only this group keeps are then dropped once they are older than 7 days. If the group comes back, it
/// reads from the earliest message; answers in the store stay as they are.
#[derive(ClapArgs)]
#[command(after_help = "Example:\n  delaycast groups remove trial --log sqlite:var/delaycast.db")]
struct RemoveArgs {
    /// The group
    #[arg(value_name = "GROUP")]
    group: String,
    #[command(flatten)]
    log: LogOption,
    /// Remove it although a scorer reads for it: its next commit makes it anew
    #[arg(long)]
    force: bool,
    /// How to print what was removed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Removed {
    removed: Group,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::List(args) => list(args),
        Command::Remove(args) => remove(args),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let groups = log::groups(&args.log.url).context("cannot list the groups")?;
    args.format.print(&groups, |groups| in_words(groups))
}

fn remove(args: &RemoveArgs) -> anyhow::Result<()> {
    let groups = log::groups(&args.log.url).context("cannot look at the groups")?;
    let topic = log::topic_of::<Flights>(&args.log.url)?;
    let Some(group) = groups.into_iter().find(|group| (&group.topic, &group.group) == (&topic, &args.group)) else {
        bail!("topic {topic} has no group {}: `delaycast groups list` names those that there are", args.group);
    };
    if group.is_read && !args.force {
        bail!(
            "a scorer reads for group {}: stop it first, or give --force; its next commit makes the group anew",
            args.group
        );
    }
    log::remove_group::<Flights>(&args.log.url, &args.group).context("cannot remove the group")?;
    args.format.print(&Removed { removed: group }, |removed| {
        let Group { group, to_go, keeps, .. } = &removed.removed;
        format!("removed {group}: it had {to_go} messages to go, and kept {} of them alone", keeps.messages)
    })
}

fn in_words(groups: &[Group]) -> String {
    if groups.is_empty() {
        return "no group has committed an offset".to_owned();
    }
    let header =
        format!("{:<24} {:<36} {:>10} {:>18}  {:<14} {}", "group", "topic", "to go", "keeps", "committed", "read");
    let lines = groups.iter().map(|found| {
        let Group { topic, group, to_go, is_read, keeps, .. } = found;
        let keeps = format!("{} ({} KiB)", keeps.messages, keeps.bytes.div_ceil(1024));
        let ago = format!("{} ago", HumanDuration(found.idle(clock::now())));
        let read = if *is_read { "yes" } else { "no" };
        format!("{group:<24} {topic:<36} {to_go:>10} {keeps:>18}  {ago:<14} {read}")
    });
    [header].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}
