//! A small, strict reader of the Prometheus text format (0.0.4).

use std::collections::{BTreeMap, BTreeSet};

/// A parsed page of metrics.
#[derive(Debug, Default)]
pub struct Page {
    /// The type of each metric, by its name.
    pub types: BTreeMap<String, String>,
    /// The labels of each metric, without `le`.
    pub labels: BTreeMap<String, BTreeSet<String>>,
    series: BTreeMap<String, f64>,
}

impl Page {
    /// Parses a page; panics at any deviation from the format.
    pub fn read(text: &str) -> Self {
        let mut page = Page::default();
        let (mut helped, mut current) = (String::new(), String::new());
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("help has a name and a text");
                assert!(!help.is_empty() && is_name(name), "{line}");
                helped = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type has a name and a kind");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(name, helped, "help stands before the type");
                assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
                assert!(page.types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} stands twice");
                current = name.to_owned();
            } else {
                page.sample(line, &current);
            }
        }
        page.check_histograms();
        page
    }

    fn sample(&mut self, line: &str, metric: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a sample has a series and a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end with a brace")),
            None => (series, ""),
        };
        let is_histogram = self.types.get(metric).expect("a type stands before its samples") == "histogram";
        let suffix = name.strip_prefix(metric).unwrap_or_else(|| panic!("{name} stands among {metric}"));
        assert!(
            if is_histogram { ["_bucket", "_sum", "_count"].contains(&suffix) } else { suffix.is_empty() },
            "{line}"
        );
        let mut rest = labels;
        while !rest.is_empty() {
            let (label, quoted) = rest.split_once("=\"").expect("a label has a value in quotes");
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let end = quoted.find('"').expect("the value's quote is closed");
            assert!(!quoted[..end].contains('\\'), "no value of ours needs an escape: {line}");
            rest = quoted[end + 1..].trim_start_matches(',');
            if label != "le" {
                self.labels.entry(metric.to_owned()).or_default().insert(label.to_owned());
            }
        }
        let value = if value == "+Inf" { f64::INFINITY } else { value.parse().expect("a value is a number") };
        assert!(self.series.insert(series.to_owned(), value).is_none(), "{series} stands twice");
    }

    fn check_histograms(&self) {
        for (name, _) in self.types.iter().filter(|(_, kind)| *kind == "histogram") {
            let bucket = |(series, count): (&String, &f64)| {
                let end = series.strip_prefix(&format!("{name}_bucket{{le=\""))?.strip_suffix("\"}")?;
                Some((end.replace("+Inf", "inf").parse::<f64>().expect("a bound is a number"), *count))
            };
            let mut buckets: Vec<(f64, f64)> = self.series.iter().filter_map(bucket).collect();
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{name} is not cumulative: {buckets:?}");
            let (end, count) = buckets.last().expect("a histogram has buckets");
            assert_eq!((*end, *count), (f64::INFINITY, self.value(&format!("{name}_count"))));
        }
    }

    /// Returns the value of a series, as in `metric{label="value"}`.
    pub fn value(&self, series: &str) -> f64 {
        self.get(series).unwrap_or_else(|| panic!("no {series} in {:#?}", self.series))
    }

    /// Returns the value of a series, if it exists.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.series.get(series).copied()
    }
}

fn is_name(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| {
        byte.is_ascii_alphabetic() || b"_:".contains(&byte) || at > 0 && byte.is_ascii_digit()
    };
    !text.is_empty() && text.bytes().enumerate().all(fits)
}
