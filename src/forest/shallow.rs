//! Forests of small trees, which many rows go through side by side without an index or a jump.
//!
//! A row that goes right at a split does not come to the leaves on its left. When all splits of a tree were asked, in whatever order, the
//! first of the leaves that are left is where the row comes to (Lucchese et al., "QuickScorer", SIGIR 2015). The leaves that are left are the bits of a word, and
//! rows are dealt with as many at once as the processor's registers are wide, which is found out when the program runs. All
//! splits are asked instead of those on a path, so it is for trees of few.

use pulp::{Arch, NullaryFnOnce};

use super::{Distribution, Node, Root};
use crate::flight::CLASSES;

/// A tree has at most as many leaves as a word has bits.
const LEAVES_MAX: usize = u32::BITS as usize;
/// So many rows go through a tree at once. Of 32, 64 and 128 this was the quickest.
pub(super) const LANES: usize = 64;

/// A split. Their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Question {
    /// What is greater goes right; what is missing does not.
    threshold: f32,
    column: u8,
    /// The leaves that a row which goes right may still come to.
    on_the_right: u32,
}

#[derive(Debug, Clone, PartialEq)]
struct SmallTree {
    questions: Vec<Question>,
    /// From left to right, in units.
    leaves: [[u32; CLASSES]; LEAVES_MAX],
}

/// A forest all of whose trees are small.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shallow(Vec<SmallTree>);

impl Shallow {
    /// The same trees, if none has too many leaves.
    pub(super) fn of(nodes: &[Node], distributions: &[Distribution], roots: &[Root]) -> Option<Self> {
        let ends = roots.iter().skip(1).map(|root| root.node as usize).chain([nodes.len()]);
        // Of n leaves and n - 1 splits.
        let small = roots.iter().zip(ends).all(|(root, end)| end - (root.node as usize) < 2 * LEAVES_MAX);
        let tree = |root: &Root| {
            let mut tree = SmallTree { questions: Vec::new(), leaves: [[0; CLASSES]; LEAVES_MAX] };
            tree.append(nodes, distributions, root.node, 0);
            tree
        };
        small.then(|| Shallow(roots.iter().map(tree).collect()))
    }

    /// Appends each row's probabilities, added up in units. There are [`LANES`] rows of `width` numbers, or a multiple.
    pub(super) fn add_up(&self, rows: &[f32], width: usize, sums: &mut Vec<[u32; CLASSES]>) {
        Arch::new().dispatch(AddUp { forest: self, rows, width, sums });
    }
}

impl SmallTree {
    /// Appends what is below a node, whose first leaf has a number; how many leaves there are then.
    fn append(&mut self, nodes: &[Node], distributions: &[Distribution], at: u32, first: usize) -> usize {
        let node = nodes[at as usize];
        if node.left() == at {
            self.leaves[first] = distributions[at as usize].units();
            return first + 1;
        }
        let question = self.questions.len();
        let threshold = node.threshold.number();
        // The lower 8 bits of a word.
        self.questions.push(Question { threshold, column: node.column() as u8, on_the_right: 0 });
        let middle = self.append(nodes, distributions, node.left(), first);
        let on_the_left = ((1u64 << middle) - (1u64 << first)) as u32;
        self.questions[question].on_the_right = !on_the_left;
        self.append(nodes, distributions, node.left() + 1, middle)
    }

    /// Adds what each row comes to. By column, `numbers` has the rows'.
    #[inline(always)]
    fn add_to(&self, numbers: &[[f32; LANES]], sums: &mut [[u32; CLASSES]]) {
        let mut left = [u32::MAX; LANES];
        for question in &self.questions {
            let numbers = &numbers[usize::from(question.column)];
            for (left, &number) in left.iter_mut().zip(numbers) {
                // All ones for a row that does not go right: a choice would become a jump.
                let stays = u32::from(number > question.threshold).wrapping_sub(1);
                *left &= question.on_the_right | stays;
            }
        }
        for (left, sum) in left.iter().zip(sums) {
            let leaf = self.leaves[left.trailing_zeros() as usize % LEAVES_MAX];
            *sum = std::array::from_fn(|class| sum[class] + leaf[class]);
        }
    }
}

/// What is done by the widest registers there are. Inlined, since only so it is compiled for them.
struct AddUp<'a> {
    forest: &'a Shallow,
    rows: &'a [f32],
    width: usize,
    sums: &'a mut Vec<[u32; CLASSES]>,
}

impl NullaryFnOnce for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut numbers = vec![[0.0; LANES]; self.width];
        for rows in self.rows.chunks_exact(LANES * self.width) {
            for (lane, row) in rows.chunks_exact(self.width).enumerate() {
                numbers.iter_mut().zip(row).for_each(|(column, &number)| column[lane] = number);
            }
            let start = self.sums.len();
            self.sums.resize(start + LANES, [0; CLASSES]);
            for tree in &self.forest.0 {
                tree.add_to(&numbers, &mut self.sums[start..]);
            }
        }
    }
}
