//! Quantisation of columns into bins.

/// Upper bound on the bins of a column: a bin is one byte.
pub(super) const BINS_MAX: usize = 256;
/// Numbers that are quantised side by side.
pub(super) const LANES: usize = 8;

/// The edges between the bins of each column. Bin 0 is for NaN; a number x is in bin b > 0 if `edges[b - 1]` is the
/// first edge that is at least x, and in the last bin if there is no such edge.
///
/// A column with few different values has an edge between each two; otherwise the edges are quantiles, as far as ties
/// allow. All edges are finite, ascending, and between two values that occur.
#[derive(Debug, Clone, PartialEq)]
pub struct BinMapper {
    columns: Vec<BinEdges>,
}

/// The edges of a column.
#[derive(Debug, Clone, PartialEq)]
struct BinEdges {
    /// The edges, filled up with infinity.
    edges: [f32; BINS_MAX],
    len: usize,
}

impl From<Vec<f32>> for BinEdges {
    fn from(edges: Vec<f32>) -> Self {
        let filled = std::array::from_fn(|at| edges.get(at).copied().unwrap_or(f32::INFINITY));
        BinEdges { edges: filled, len: edges.len() }
    }
}

/// Upper bound on the numbers from which a column's edges are computed, evenly spaced over the rows: with more, a
/// quantile moves by less than a thousandth.
const SAMPLE_MAX: usize = 1 << 20;

impl BinMapper {
    /// Computes the edges for row-major rows of `width` numbers, NaN or finite. The result depends on the rows and
    /// their order alone.
    pub fn fit(rows: &[f32], width: usize) -> Self {
        Self::fit_by(rows.len() / width.max(1), width, |row, column| rows[row * width + column])
    }

    /// As [`Self::fit`], for rows that are kept otherwise.
    pub fn fit_by(rows_len: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let stride = rows_len.div_ceil(SAMPLE_MAX).max(1);
        let columns = (0..width).map(|column| {
            let sample = (0..rows_len).step_by(stride).map(|row| value(row, column));
            edges(sample.filter(|number| !number.is_nan()).collect()).into()
        });
        BinMapper { columns: columns.collect() }
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The number of bins of a column, including the one for NaN.
    pub fn bins_len(&self, column: usize) -> usize {
        self.columns[column].len + 2
    }

    /// The bins of some numbers of a column. Their bisections run side by side, since each step depends on the one
    /// before.
    #[inline]
    pub(super) fn bins(&self, column: usize, numbers: [f32; LANES]) -> [u8; LANES] {
        let BinEdges { edges, len } = &self.columns[column];
        let steps = (len + 1).next_power_of_two().ilog2();
        let mut below = [0; LANES];
        for step in (0..steps).rev() {
            for (below, number) in below.iter_mut().zip(numbers) {
                // A shift instead of a choice, which could become an unpredictable branch. At most 8 steps.
                *below += usize::from(edges[(*below + (1 << step) - 1) % BINS_MAX] < number) << step;
            }
        }
        // At most 254 edges.
        std::array::from_fn(|lane| if numbers[lane].is_nan() { 0 } else { below[lane] as u8 + 1 })
    }

    /// The bin of a number.
    #[cfg(test)]
    fn bin(&self, column: usize, number: f32) -> u8 {
        self.bins(column, [number; LANES])[0]
    }

    /// The threshold between this bin and the next: `x <= threshold`, or NaN, goes left.
    pub fn threshold(&self, column: usize, bin: u8) -> f32 {
        match bin {
            // Every other finite number is greater, and no column reaches this one.
            0 => f32::MIN,
            bin => self.columns[column].edges[usize::from(bin) - 1],
        }
    }
}

/// Computes the edges for a column's numbers.
fn edges(mut numbers: Vec<f32>) -> Vec<f32> {
    numbers.sort_unstable_by(f32::total_cmp);
    let mut values = numbers.clone();
    // -0 and 0 are one value.
    values.dedup_by(|a, b| a == b);
    let edges_max = BINS_MAX - 2;
    if values.len() <= edges_max + 1 {
        return values.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut edges: Vec<f32> = Vec::new();
    for share in 1..=edges_max {
        let last = numbers[share * numbers.len() / (edges_max + 1) - 1];
        let next = values.partition_point(|&value| value <= last);
        let edge = values.get(next).map(|&next| between(last, next));
        edges.extend(edge.filter(|edge| edges.last().is_none_or(|before| edge > before)));
    }
    edges
}

/// Returns a number that is at least the smaller and below the larger.
fn between(smaller: f32, larger: f32) -> f32 {
    let middle = smaller / 2.0 + larger / 2.0;
    if middle >= smaller && middle < larger { middle } else { smaller }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_of_few_values_has_a_bin_and_nan_has_its_own() {
        let bins = BinMapper::fit(&[3.0, f32::NAN, 1.0, 2.0, 3.0, 1.0], 1);
        assert_eq!(bins.bins_len(0), 4);
        assert_eq!([f32::NAN, 1.0, 2.0, 3.0, -9.0, 9.0].map(|number| bins.bin(0, number)), [0, 1, 2, 3, 1, 3]);
        assert_eq!(BinMapper::fit(&[f32::NAN; 3], 1).bins_len(0), 2);
    }

    #[test]
    fn bins_of_many_values_have_equal_shares_of_the_rows() {
        let numbers: Vec<f32> = (0..10_000).map(|at| (at * 7919 % 10_000) as f32).collect();
        let bins = BinMapper::fit(&numbers, 1);
        assert_eq!(bins.bins_len(0), BINS_MAX);
        let mut counts = [0u32; BINS_MAX];
        numbers.iter().for_each(|&number| counts[usize::from(bins.bin(0, number))] += 1);
        assert!(counts[1..].iter().all(|&count| (38..=41).contains(&count)), "{counts:?}");
    }

    proptest! {
        /// Left of a threshold are exactly the numbers of the bins up to its own.
        #[test]
        fn a_threshold_divides_numbers_as_its_bin_does(
            numbers in prop::collection::vec(
                prop_oneof![Just(f32::NAN), -1e30f32..1e30, (-300i16..300).prop_map(f32::from)],
                1..900,
            ),
        ) {
            let bins = BinMapper::fit(&numbers, 1);
            for bin in 0..(bins.bins_len(0) - 1) as u8 {
                let threshold = bins.threshold(0, bin);
                prop_assert!(threshold.is_finite());
                for &number in &numbers {
                    let right = number > threshold;
                    prop_assert_eq!(bins.bin(0, number) > bin, right, "{} {}", number, threshold);
                }
            }
        }
    }
}
