//! Tests that docs/faults.md names every test of faults and of the cluster, and no other.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_table_of_faults_names_these_tests() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests = BTreeSet::new();
    let files = ["tests/faults", "tests/cluster"].map(|folder| fs::read_dir(here.join(folder)).unwrap());
    for file in files.into_iter().flatten() {
        let path = file.unwrap().path();
        let (text, module) = (fs::read_to_string(&path).unwrap(), path.file_stem().unwrap().to_str().unwrap());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line == "#[test]" && module != "table" {
                let line = lines.next().unwrap();
                // An ignored test is a part of another one.
                if let Some(name) = line.strip_prefix("fn ") {
                    tests.insert(format!("{module}::{}", name.split('(').next().unwrap()));
                }
            }
        }
    }
    let table = fs::read_to_string(here.join("../docs/faults.md")).unwrap();
    let named: BTreeSet<String> = table
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(char::is_whitespace))
        .map(str::to_owned)
        .collect();
    assert!(tests.len() > 10);
    assert_eq!(named, tests);
}
