//! Delimiters, quotes and lines.

use super::*;

const THREE: &str = "code;name;qty\nA;Acer;1\nB;Betula;2\nC;Carpinus;3\n";

#[test]
fn delimiters_are_found_out() {
    for delimiter in [",", ";", "\t"] {
        assert_eq!(read(THREE.replace(';', delimiter)).quantities(), [1, 2, 3], "{delimiter:?}");
    }
    let piped = Options { delimiter: Some(b'|'), ..Options::default() };
    assert_eq!(read_with(THREE.replace(';', "|"), &piped).quantities(), [1, 2, 3]);
    assert_eq!(read(format!("sep=|\r\n{}", THREE.replace(';', "|"))).lines(), [3, 4, 5]);
    let commas = "code;name,qty\nA;Acer,1\n";
    assert_eq!(
        refused(commas),
        "no column for name, quantity; the columns are: code, name,qty; name one with --map name=HEADER"
    );
    for byte in [b'"', b'\n', b'\r', b'a', b'0', b' ', 0, 200] {
        let options = Options { delimiter: Some(byte), ..Options::default() };
        assert!(refused_with(THREE, &options).contains("cannot be the delimiter"), "{byte}");
    }
}

#[test]
fn line_numbers_are_those_of_the_file_for_every_line_end() {
    let file = "\n\ncode;name;qty\n\nA;\"Acer\nplatanoides\";1\n;;\n  \nB;\"two\n\n\"\"lines\"\"\";2\n\n\nC;Carpinus;x";
    for end in ["\n", "\r\n", "\r"] {
        let outcome = read(file.replace('\n', end));
        assert_eq!(outcome.lines(), [5, 9], "{end:?}");
        assert_eq!(outcome.problems[0].line, 14, "{end:?}");
        assert_eq!(outcome.rows[0].entity.name, format!("Acer{end}platanoides"));
        assert_eq!(outcome.rows[1].entity.name, format!("two{end}{end}\"lines\""));
    }
}

#[test]
fn mixed_line_ends_are_counted_each_once() {
    let outcome =
        read("code;name;qty\r\nA;Acer;1\rB;\"x\r\ny\rz\nw\";2\n\rC;Carpinus;3\r \nD;Dahlia;4");
    assert_eq!(outcome.lines(), [2, 3, 8, 10]);
}

#[test]
fn cutting_the_input_anywhere_changes_nothing() {
    let file = "\u{feff}code;name;qty\r\n\"A\";\"Acer \"\"Ö×Ł漢🌱\"\"\r\nx\";1\r\n\r\nB; \"Betula\" ;\"2\"\rC;\"x\"y;3\n";
    let whole = read(file);
    assert_eq!(whole.rows.len(), 2);
    for size in 1..=9 {
        let cut =
            drain(Reader::new(Drip { bytes: file.as_bytes(), size }, &Options::default()).unwrap());
        assert_eq!(cut.rows, whole.rows);
        assert_eq!(cut.problems, whole.problems);
    }
}

#[test]
fn quotes_are_read_generously_but_not_guessed() {
    let outcome = read(
        "code;name;qty\nA; \"Acer; red\" ;1\nB;5\" pot \"Betula\";2\nC;\"Carpinus\" betulus;3\nD;\"\";4\nE;Dahlia;5\n",
    );
    let names: Vec<_> = outcome.rows.iter().map(|row| row.entity.name.as_str()).collect();
    assert_eq!(names, ["Acer; red", "5\" pot \"Betula\"", "Dahlia"]);
    assert_eq!(
        outcome.reports(),
        [
            "line 4, column name: quotes: has text behind its closing quote; a quote inside a quoted cell is written twice",
            "line 5, column name: required: must not be empty",
        ]
    );
}

#[test]
fn rows_with_too_many_or_too_few_cells_are_reported() {
    let outcome = read("code,name,qty\nA,Acer,12,5\nB,Betula\nC\nD,Dahlia,4\n");
    assert_eq!(outcome.lines(), [5]);
    assert_eq!(
        outcome.reports(),
        [
            "line 2: columns: has 4 cells; the header has 3",
            "line 3: columns: has 2 cells; the header has 3",
            "line 4: columns: has 1 cells; the header has 3",
        ]
    );
}

#[test]
fn control_characters_are_reported_and_tabs_and_lines_are_not() {
    let outcome = read(
        "code;name;qty;note\nA\0;Acer;1;\nB;Be\u{1b}tula;1;\nC;Carpinus;1;a\u{7f}\nD;Dahlia;1;a\u{85}b\nE;\"E\tx\ny\";1;ok\n",
    );
    assert_eq!(outcome.rows.len(), 1);
    let columns: Vec<_> = outcome
        .problems
        .iter()
        .map(|p| (p.line, p.column.as_deref().unwrap(), p.rule.as_str()))
        .collect();
    let rule = "no_control_characters";
    assert_eq!(
        columns,
        [(2, "code", rule), (3, "name", rule), (4, "note", rule), (5, "note", rule)]
    );
    assert_eq!(outcome.problems[0].message, "must not contain control characters, got \"A\\0\"");
}

#[test]
fn bytes_are_counted_for_a_progress_bar() {
    let mut reader = Reader::new(THREE.as_bytes(), &Options::default()).unwrap();
    while reader.next().is_some() {}
    assert_eq!(reader.total_bytes_read(), THREE.len() as u64);
    let long = THREE.repeat(10_000);
    let mut reader = Reader::new(long.as_bytes(), &Options::default()).unwrap();
    assert!(reader.total_bytes_read() <= 128 * 1024);
    while reader.next().is_some() {}
    assert_eq!(reader.total_bytes_read(), long.len() as u64);
}
