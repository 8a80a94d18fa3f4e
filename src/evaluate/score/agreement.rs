//! Macro-F1 and the quadratic weighted kappa, out of a confusion matrix.

use crate::flight::CLASSES;

/// Flights by what came true (outer) and what was held most probable (inner).
type Confusion = [[u64; CLASSES]; CLASSES];

fn came_true(confusion: &Confusion, class: usize) -> u64 {
    confusion[class].iter().sum()
}

fn held(confusion: &Confusion, class: usize) -> u64 {
    confusion.iter().map(|row| row[class]).sum()
}

/// The mean of the classes' F1; a class that neither occurs nor is predicted is left out. `None` without flights.
pub(super) fn macro_f1(confusion: &Confusion) -> Option<f64> {
    let f1 = |class: usize| {
        let either = came_true(confusion, class) + held(confusion, class);
        (either > 0).then(|| 2.0 * confusion[class][class] as f64 / either as f64)
    };
    let known: Vec<f64> = (0..CLASSES).filter_map(f1).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

/// Agreement of what came true and what was predicted beyond chance, where a miss by two classes weighs four times a
/// miss by one. 0 if there is but one class on both sides; `None` without flights.
pub(super) fn quadratic_weighted_kappa(confusion: &Confusion) -> Option<f64> {
    let rows: u64 = confusion.iter().flatten().sum();
    if rows == 0 {
        return None;
    }
    let (mut seen, mut by_chance) = (0.0, 0.0);
    for (truth, row) in confusion.iter().enumerate() {
        for (said, &count) in row.iter().enumerate() {
            let weight = truth.abs_diff(said).pow(2) as f64;
            seen += weight * count as f64;
            by_chance += weight * came_true(confusion, truth) as f64 * held(confusion, said) as f64 / rows as f64;
        }
    }
    Some(if by_chance > 0.0 { 1.0 - seen / by_chance } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}, not {expected}");
    }

    #[test]
    fn agree_with_values_worked_out_by_hand() {
        let mut confusion = Confusion::default();
        (confusion[0][0], confusion[0][1], confusion[1][1], confusion[3][0]) = (3, 1, 2, 2);
        // F1: 6/9, 4/5, class 2 is nowhere, 0/2.
        close(macro_f1(&confusion), (6.0 / 9.0 + 4.0 / 5.0 + 0.0) / 3.0);
        // Seen: 1·1 + 9·2 = 19. By chance, with rows 4, 2, 0, 2 and columns 5, 3, 0, 0 of 8:
        // (4·3·1 + 2·5·1 + 2·5·9 + 2·3·4) / 8 = 136 / 8 = 17.
        close(quadratic_weighted_kappa(&confusion), 1.0 - 19.0 / 17.0);
    }

    #[test]
    fn perfect_is_1_one_answer_for_all_is_chance_and_nothing_is_nothing() {
        let mut perfect = Confusion::default();
        (0..CLASSES).for_each(|class| perfect[class][class] = 5);
        close(macro_f1(&perfect), 1.0);
        close(quadratic_weighted_kappa(&perfect), 1.0);
        let constant: Confusion = [[0, 7, 0, 0]; CLASSES];
        close(quadratic_weighted_kappa(&constant), 0.0);
        let mut single = Confusion::default();
        single[2][2] = 9;
        close(quadratic_weighted_kappa(&single), 0.0);
        assert_eq!((macro_f1(&Confusion::default()), quadratic_weighted_kappa(&Confusion::default())), (None, None));
    }
}
