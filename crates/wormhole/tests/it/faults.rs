//! The list of faults names a test for each: they are there, where it says.

use std::fs;
use std::path::Path;

/// What issue and operators expect in the list; a row that goes missing is missed here.
const ROWS: usize = 55;

#[test]
fn every_test_that_the_list_of_faults_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = fs::read_to_string(root.join("docs/FAULTS.md")).unwrap();
    let mut rows = 0;
    let is_row =
        |line: &&str| line.starts_with("| ") && !line.starts_with("| ---") && !line.starts_with("| fault |");
    for row in list.lines().filter(is_row) {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "a fault without a test: {row}");
        for name in named {
            let (file, function) = name.split_once("::").unwrap_or_else(|| panic!("{name} is no file::test"));
            let path = root.join("crates").join(file);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let declared = text.contains(&format!("fn {function}("));
            // `over_both!` makes two tests of a function, one for each carrier.
            let is_tested = text.contains("test]") || text.contains("over_both!");
            assert!(declared && is_tested, "{file} has no test {function}");
        }
        rows += 1;
    }
    assert!(rows >= ROWS, "{rows} rows");
}
