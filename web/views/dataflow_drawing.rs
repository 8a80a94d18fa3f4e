//! A dataflow as inline SVG: operators in layers from the sources down, channels as lines between them.

use std::collections::BTreeMap;

use engine::status::{DataflowStatus, OperatorStatus};

use super::svg::{Anchor, Drawing};
use crate::texts::{Texts, say};

const WIDTH: f64 = 380.0;
const LAYER: f64 = 66.0;
const BOX_HEIGHT: f64 = 38.0;
const BOX_WIDTH_MAX: f64 = 150.0;
const GAP: f64 = 8.0;
/// The width of a letter of a name, in units.
const LETTER: f64 = 6.4;

/// Returns the drawing. The operators that hold the frontier are marked.
pub(crate) fn drawing(dataflow: &DataflowStatus, texts: Texts) -> String {
    let layers = layers(dataflow);
    let boxes = boxes(&layers);
    let mut drawing = Drawing::new(WIDTH, LAYER * layers.len().max(1) as f64);
    for channel in &dataflow.channels {
        let (Some(from), Some(to)) = (boxes.get(&channel.source), boxes.get(&channel.target)) else { continue };
        let class = if channel.records > 0 { "channel used" } else { "channel" };
        drawing.path(class, &curve(from, to));
    }
    for operator in &dataflow.operators {
        if let Some(at) = boxes.get(&operator.index) {
            draw(&mut drawing, operator, at, texts);
        }
    }
    drawing.finish(&in_words(dataflow, texts))
}

/// The place of an operator.
struct Place {
    x: f64,
    y: f64,
    width: f64,
}

fn draw(drawing: &mut Drawing, operator: &OperatorStatus, &Place { x, y, width }: &Place, texts: Texts) {
    let class = if operator.holds_frontier { "operator holds" } else { "operator" };
    drawing.rect(class, [x, y], [width, BOX_HEIGHT], 1.0);
    let middle = x + width / 2.0;
    drawing.text("ink", [middle, y + 16.0], Anchor::Middle, &fitted(&operator.name, width));
    let records = match operator.waiting {
        0 => texts.number(operator.received),
        waiting => say!(texts, "dataflow-wait", received = operator.received, waiting = waiting),
    };
    drawing.text("soft", [middle, y + 31.0], Anchor::Middle, &fitted(&records, width));
}

/// Cuts a text that is too long for a box.
fn fitted(text: &str, width: f64) -> String {
    let letters = (width / LETTER) as usize;
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

/// The line of a channel, from the lower edge of an operator to the upper edge of the next.
fn curve(from: &Place, to: &Place) -> String {
    let (x1, y1) = (from.x + from.width / 2.0, from.y + BOX_HEIGHT);
    let (x2, y2) = (to.x + to.width / 2.0, to.y);
    let bend = ((y2 - y1) / 2.0).clamp(8.0, LAYER / 2.0);
    format!("M{x1:.1},{y1:.1} C{x1:.1},{:.1} {x2:.1},{:.1} {x2:.1},{y2:.1}", y1 + bend, y2 - bend)
}

/// The operators of each layer: one below all that send to it. A channel to an operator built before is a loop, and
/// counts for none.
fn layers(dataflow: &DataflowStatus) -> Vec<Vec<&OperatorStatus>> {
    let mut depths: BTreeMap<usize, usize> = BTreeMap::new();
    // Timely numbers operators as they are built, and one is built after those that send to it.
    for operator in &dataflow.operators {
        let sources = dataflow.channels.iter().filter(|it| it.target == operator.index && it.source < it.target);
        let depth = sources.filter_map(|channel| depths.get(&channel.source)).max().map_or(0, |depth| depth + 1);
        depths.insert(operator.index, depth);
    }
    let mut layers = vec![Vec::new(); depths.values().max().map_or(0, |deepest| deepest + 1)];
    for operator in &dataflow.operators {
        if let Some(layer) = depths.get(&operator.index).and_then(|depth| layers.get_mut(*depth)) {
            layer.push(operator);
        }
    }
    layers
}

fn boxes(layers: &[Vec<&OperatorStatus>]) -> BTreeMap<usize, Place> {
    let mut boxes = BTreeMap::new();
    for (depth, layer) in layers.iter().enumerate() {
        let share = WIDTH / layer.len().max(1) as f64;
        let width = (share - GAP).clamp(1.0, BOX_WIDTH_MAX);
        for (at, operator) in layer.iter().enumerate() {
            let x = share * at as f64 + (share - width) / 2.0;
            boxes.insert(operator.index, Place { x, y: LAYER * depth as f64 + 4.0, width });
        }
    }
    boxes
}

fn in_words(dataflow: &DataflowStatus, texts: Texts) -> String {
    let operators = dataflow.operators.iter().map(|it| format!("{} {}", it.name, texts.number(it.received)));
    let operators = operators.collect::<Vec<_>>().join(", ");
    say!(texts, "dataflow-drawing", name = dataflow.name.as_str(), operators = operators.as_str())
}

#[cfg(test)]
mod tests {
    use engine::status::ChannelStatus;

    use super::*;
    use crate::texts::Language;

    fn dataflow(names: &[&str], channels: &[(usize, usize)]) -> DataflowStatus {
        let operator = |(at, name): (usize, &&str)| OperatorStatus {
            index: at + 1,
            name: (*name).to_owned(),
            holds_frontier: at == 1,
            ..OperatorStatus::default()
        };
        let channel = |&(source, target): &(usize, usize)| ChannelStatus { source, target, ..ChannelStatus::default() };
        DataflowStatus {
            name: "Score".into(),
            operators: names.iter().enumerate().map(operator).collect(),
            channels: channels.iter().map(channel).collect(),
            ..DataflowStatus::default()
        }
    }

    #[test]
    fn an_operator_is_below_all_that_send_to_it_and_a_loop_is_drawn() {
        let graph = dataflow(&["Read", "Decode", "Dead", "Land"], &[(1, 2), (2, 3), (1, 4), (3, 4), (4, 2)]);
        let depths: Vec<Vec<usize>> =
            layers(&graph).iter().map(|layer| layer.iter().map(|operator| operator.index).collect()).collect();
        assert_eq!(depths, [[1], [2], [3], [4]]);
        let svg = drawing(&graph, Texts::of(Language::English));
        assert_eq!(svg.matches("<path class=\"channel\"").count(), 5, "{svg}");
        assert_eq!(svg.matches("operator holds").count(), 1);
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn a_long_name_is_cut_and_a_dataflow_without_operators_is_drawn() {
        assert_eq!(
            (fitted("ReadLog", 80.0), fitted("AnnounceModelsToAll", 64.0)),
            ("ReadLog".into(), "AnnounceM…".into())
        );
        assert!(drawing(&DataflowStatus::default(), Texts::of(Language::English)).starts_with("<svg"));
    }
}
