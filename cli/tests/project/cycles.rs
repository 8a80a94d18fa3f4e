//! Tests that the files of a crate do not import one another in a circle.
//!
//! An edge runs from a file to the file that defines what it names: by `use`, or by a path in code. A re-export is
//! followed to the definition and makes no edge itself. Code and files for tests are left out.
//!
//! A file that declares a module may name what the module defines, and the module what that file defines: a circle of
//! a file and the files below it is one subject in several files. All other circles are errors.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs,
    path::Path,
};

use crate::{
    architecture::{project, sources},
    source::{Segments, leaves, tokens, without_tests},
};

/// The meaning of a name in a module.
#[derive(Debug, Clone)]
enum Name {
    Item,
    Import(Segments),
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    names: BTreeMap<String, Name>,
    /// The modules of which every name is imported.
    globs: Vec<Segments>,
    /// The paths of imports and in code, without re-exports.
    paths: Vec<Segments>,
}

/// The modules of a crate by their paths.
#[derive(Debug, Default)]
struct Modules(BTreeMap<Segments, Module>);

impl Modules {
    /// Reads the files of a crate: names relative to its folder, and texts.
    fn read(files: &BTreeMap<String, String>) -> Self {
        let mut modules = Modules::default();
        let mut test_modules = BTreeSet::new();
        for (file, text) in files {
            let mut path: Segments = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            path.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
            let (tokens, tests) = without_tests(tokens(text));
            test_modules.extend(tests.into_iter().map(|name| [path.clone(), vec![name]].concat()));
            modules.read_module(file, path, &tokens);
        }
        modules.0.retain(|path, _| !(1..=path.len()).any(|end| test_modules.contains(&path[..end])));
        modules
    }

    fn read_module(&mut self, file: &str, path: Segments, tokens: &[String]) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        let (mut at, mut depth) = (0, 0);
        let is_name = |token: &String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let token = |at: usize| tokens.get(at).map_or("", String::as_str);
        while at < tokens.len() {
            match token(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                "use" => {
                    let end = (at..tokens.len()).find(|at| token(*at) == ";").unwrap_or(tokens.len());
                    let is_public = at > 0 && ["pub", ")"].contains(&token(at - 1));
                    module.add_use(&tokens[at + 1..end], is_public);
                    at = end;
                }
                "mod" if token(at + 2) == "{" => {
                    let mut open = 0;
                    let end = (at + 2..tokens.len()).find(|at| {
                        open += i32::from(token(*at) == "{") - i32::from(token(*at) == "}");
                        open == 0
                    });
                    let end = end.unwrap_or(tokens.len());
                    let inner = [path.clone(), vec![tokens[at + 1].clone()]].concat();
                    self.read_module(file, inner, &tokens[at + 3..end]);
                    at = end;
                }
                "struct" | "enum" | "trait" | "type" | "const" | "static" | "fn" if depth == 0 => {
                    module.names.insert(token(at + 1).to_owned(), Name::Item);
                }
                "macro_rules" => {
                    module.names.insert(token(at + 2).to_owned(), Name::Item);
                }
                _ if is_name(&tokens[at]) && token(at + 1) == "::" && (at == 0 || token(at - 1) != "::") => {
                    let start = at;
                    while token(at + 1) == "::" && tokens.get(at + 2).is_some_and(is_name) {
                        at += 2;
                    }
                    module.paths.push(tokens[start..=at].iter().step_by(2).cloned().collect());
                }
                _ => {}
            }
            at += 1;
        }
        self.0.insert(path, module);
    }

    /// Returns the files that a file's modules name: those that define the names.
    fn edges(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (path, module) in &self.0 {
            let named = module.paths.iter().filter_map(|named| self.defining_file(path, named, 0));
            let globs = module.globs.iter().filter_map(|named| {
                let module = self.0.get(&self.absolute(path, named)?)?;
                Some(module.file.as_str())
            });
            let others = named.chain(globs).filter(|file| *file != module.file);
            edges.entry(&module.file).or_default().extend(others);
        }
        edges
    }

    /// Turns a path that begins with `crate`, `self` or `super` into one from the crate's root.
    fn absolute(&self, from: &[String], named: &[String]) -> Option<Segments> {
        let mut base = from.to_vec();
        let mut rest = named;
        match rest.first()?.as_str() {
            "crate" => (base.clear(), rest = &rest[1..]).1,
            "self" => rest = &rest[1..],
            "super" => {
                while let Some(("super", after)) = rest.split_first().map(|(first, rest)| (first.as_str(), rest)) {
                    base.pop()?;
                    rest = after;
                }
            }
            _ => {}
        }
        Some([&base, rest].concat())
    }

    /// Returns the file that defines what a path names in a module; none for a module, and outside of the crate.
    fn defining_file(&self, from: &[String], named: &[String], depth: usize) -> Option<&str> {
        let absolute = self.absolute(from, named)?;
        // Circles of re-exports end here.
        if depth > 20 {
            return None;
        }
        let is_local = ["crate", "self", "super"].contains(&named.first()?.as_str());
        let start = if is_local { 0 } else { from.len() };
        let mut at = (start..=absolute.len()).rev().find(|at| self.0.contains_key(&absolute[..*at]))?;
        if at == absolute.len() {
            return None;
        }
        at = at.max(start);
        let (module_path, rest) = absolute.split_at(at);
        let module = &self.0[module_path];
        match module.names.get(&rest[0]) {
            Some(Name::Item) => Some(&module.file),
            Some(Name::Import(import)) => {
                // An import of a crate's own module, such as `use std::fs`, leads out of the crate.
                let target = [import.as_slice(), &rest[1..]].concat();
                if import.first() == rest.first() && import.len() == 1 {
                    return None;
                }
                self.defining_file(module_path, &target, depth + 1)
            }
            None => {
                let mut globs = module.globs.iter().map(|glob| [glob.as_slice(), rest].concat());
                let by_glob = globs.find_map(|target| self.defining_file(module_path, &target, depth + 1));
                // A macro of the module may define it. A path that begins with another name leads out of the crate.
                by_glob.or((is_local || at > start).then_some(module.file.as_str()))
            }
        }
    }

    /// Returns the shortest circle of files, other than those of a file with files below it.
    fn circle(&self) -> Option<String> {
        let edges = self.edges();
        let circles = edges.keys().filter_map(|start| {
            let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
            let mut queue = VecDeque::from([*start]);
            while let Some(file) = queue.pop_front() {
                for next in edges.get(file).into_iter().flatten() {
                    if is_below(next, file) {
                        continue;
                    }
                    if next == start {
                        let mut circle = vec![*start, file];
                        while let Some(previous) = came_from.get(circle.last()?) {
                            circle.push(previous);
                        }
                        circle.reverse();
                        return Some(circle);
                    }
                    if !came_from.contains_key(next) {
                        came_from.insert(*next, file);
                        queue.push_back(next);
                    }
                }
            }
            None
        });
        circles.min_by_key(Vec::len).map(|circle| circle.join(" → "))
    }
}

impl Module {
    fn add_use(&mut self, tree: &[String], is_public: bool) {
        for (path, alias) in leaves(tree) {
            if path.last().is_some_and(|last| last == "*") {
                self.globs.push(path[..path.len() - 1].to_vec());
                continue;
            }
            self.names.insert(alias, Name::Import(path.clone()));
            if !is_public {
                self.paths.push(path);
            }
        }
    }
}

/// Returns whether a file's module is inside of another file's.
fn is_below(file: &str, above: &str) -> bool {
    let folder = match above.rsplit_once('/') {
        Some((folder, "mod.rs")) => format!("{folder}/"),
        None if ["lib.rs", "main.rs"].contains(&above) => String::new(),
        _ => format!("{}/", above.trim_end_matches(".rs")),
    };
    file != above && file.starts_with(&folder)
}

fn made_up(files: &[(&str, &str)]) -> Modules {
    Modules::read(&files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn a_circle_is_found_through_imports_paths_and_re_exports() {
    let root = ("lib.rs", "mod a; mod b; mod c;");
    let a = ("a.rs", "use crate::b::B; pub struct A(B);");
    let b = ("b/mod.rs", "mod inner; pub use inner::B;");
    for inner in [
        "pub struct B(Box<crate::a::A>);",
        "use super::super::a::{self as other}; pub fn f(_: other::A) {} pub struct B;",
        "use crate::c; pub struct B(c::A);",
        "use crate::c::{A as C}; pub struct B(C);",
    ] {
        let files = [root, a, b, ("b/inner.rs", inner), ("c.rs", "pub use crate::a::*; pub(crate) use crate::a::A;")];
        assert_eq!(made_up(&files).circle().as_deref(), Some("a.rs → b/inner.rs → a.rs"), "{inner}");
    }
}

#[test]
fn tests_comments_literals_and_modules_below_make_no_circle() {
    let files = [
        ("main.rs", "mod a; mod b; use b::B; const TOP: u8 = 1;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        (
            "b/mod.rs",
            r##"//! Like crate::a::A.
            mod inner;
            #[cfg(test)]
            mod fixture;
            use inner::C;
            pub struct B<'a>(&'a C, std::fs::File);
            const TEXT: (&str, &str, char) = ("crate::a::A", r#""crate::a::A"#, '"');
            #[cfg(all(test, unix))]
            mod tests { use crate::a::A; fn a(_: A) {} }
            #[test]
            fn f() { crate::a::A; }"##,
        ),
        ("b/fixture.rs", "use crate::a::A;"),
        ("b/inner.rs", "use super::B; pub struct C(B, crate::TOP);"),
    ];
    let modules = made_up(&files);
    assert_eq!(modules.circle(), None);
    let of = |file: &str| modules.edges()[file].iter().copied().collect::<Vec<_>>();
    assert_eq!((of("main.rs"), of("a.rs"), of("b/mod.rs")), (vec!["b/mod.rs"], vec!["b/mod.rs"], vec!["b/inner.rs"]));
    assert_eq!(of("b/inner.rs"), ["b/mod.rs", "main.rs"]);
}

#[test]
fn no_files_of_a_crate_import_one_another_in_a_circle() {
    let crates = [
        "bench",
        "bench/guard",
        "cli",
        "dataflows",
        "dataflows/train",
        "engine",
        "examples",
        "src",
        "web",
        "web/server",
    ];
    for folder in crates {
        let root = project().join(folder);
        let is_of_another = |file: &Path| {
            let inner = crates.iter().filter(|other| other.starts_with(&format!("{folder}/")));
            inner.clone().any(|other| file.starts_with(project().join(other)))
        };
        let files = sources(folder).into_iter().filter(|file| !is_of_another(file)).map(|file| {
            let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&file).unwrap())
        });
        let modules = Modules::read(&files.collect());
        assert!(modules.edges().values().map(BTreeSet::len).sum::<usize>() > 0 || modules.0.len() < 3, "{folder}");
        assert_eq!(modules.circle(), None, "{folder} has a circle");
    }
}
