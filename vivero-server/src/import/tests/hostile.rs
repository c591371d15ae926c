//! Files that are not what they claim to be.

use super::*;
use std::io::{self, ErrorKind};

#[test]
fn a_file_with_nothing_in_it_is_empty() {
    for file in ["", "\u{feff}", "\n\r\n\r", "  \n,,,\n", "sep=;\n"] {
        assert_eq!(
            refused(file),
            "the file is empty; its first line must name the columns",
            "{file:?}"
        );
    }
    assert!(matches!(Reader::new(&b"\xff\xfe"[..], &Options::default()), Err(ImportError::Empty)));
}

#[test]
fn a_header_alone_has_no_rows() {
    for file in ["code,name,qty", "code,name,qty\r\n", "\u{feff}\"code\",\"name\",\"qty\"\n\n\n"] {
        assert!(read(file).good().is_empty());
    }
}

#[test]
fn a_quote_never_closed_in_the_header_is_refused() {
    let file = format!("code,name,\"qty\n{}", "x".repeat(10_000_000));
    assert!(refused(file).starts_with("the header is longer than 64 KiB"));
    assert_eq!(
        refused("code,name,\"qty\nA,Acer,1\n"),
        "the header, line 1: a quote is never closed in column 3"
    );
    assert_eq!(
        refused("\ncode,\"na\"me,qty\n"),
        "the header, line 2: text follows a closing quote in column 2"
    );
}

#[test]
fn a_quote_never_closed_costs_one_row_and_the_lines_it_took_are_named() {
    let mut file = String::from("code,name,qty\nA,Acer,1\nB,\"Betula,2\n");
    file += &"C,Carpinus,3\n".repeat(800_000);
    assert!(file.len() > 10_000_000);
    let outcome = read(&file);
    assert_eq!(outcome.lines(), [2]);
    assert_eq!(
        outcome.reports(),
        [
            "line 3, column name: quotes: has a quote, opened on line 3, that is never closed; lines 3 to 800004 were read as this cell",
        ]
    );
}

#[test]
fn a_cell_may_have_64_kib_and_no_more() {
    for (length, rule) in [(65_536, "max_length"), (65_537, "max_bytes"), (1_000_000, "max_bytes")]
    {
        for quote in ["", "\""] {
            let name = "ä".repeat(length / 2) + &"x".repeat(length % 2);
            let outcome = read(format!("code,name,qty\nA,{quote}{name}{quote},1\nB,Betula,2\n"));
            assert_eq!(outcome.lines(), [3]);
            let problem = &outcome.problems[0];
            assert_eq!(
                (problem.column.as_deref(), problem.rule.as_str()),
                (Some("name"), rule),
                "{length}"
            );
        }
    }
}

#[test]
fn more_than_200_columns_are_refused() {
    let header = |count: usize| {
        let more: Vec<_> = (3..count).map(|index| format!("x{index}")).collect();
        format!("code,name,qty,{}\n", more.join(","))
    };
    assert_eq!(read(header(200)).good().len(), 0);
    assert_eq!(refused(header(201)), "the header names 201 columns; at most 200 are possible");
    let outcome = read(format!("code,name,qty\nA,Acer,1{}\nB,Betula,2\n", ",x".repeat(1_000_000)));
    assert_eq!(outcome.lines(), [3]);
    assert_eq!(outcome.reports(), ["line 2: columns: has 1000003 cells; the header has 3"]);
}

#[test]
fn other_kinds_of_files_are_recognised() {
    assert!(refused(b"PK\x03\x04\x14\0\x06\0").contains("workbook: save the sheet as CSV first"));
    assert!(refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").contains("old Excel workbook"));
    assert!(refused(b"\x7fELF\x02\x01\x01\0\0\0\0").contains("NUL bytes"));
    assert!(refused(b"c\0o\0d\0e\0;\0n\0").contains("--encoding utf-16le"));
    assert!(
        refused(b"\x89PNG\r\n\x1a\n").contains("control characters")
            || refused(b"\x89PNG\r\n\x1a\n").contains("no column")
    );
    let noise: Vec<u8> =
        (0..1_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(!refused(noise).is_empty());
}

#[test]
fn binary_rows_behind_a_good_header_are_bad_rows() {
    let mut file = b"code,name,qty\n".to_vec();
    file.extend((0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8));
    let outcome = read(file);
    assert!(outcome.rows.is_empty());
    assert!(!outcome.problems.is_empty());
}

/// Fails after its bytes are read.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(io::Error::new(ErrorKind::BrokenPipe, "gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn an_input_that_fails_is_not_taken_for_the_end() {
    assert!(matches!(
        Reader::new(Broken(b"code,name,qty\n"), &Options::default()),
        Err(ImportError::Io(_))
    ));
    let file = "code,name,qty\n".to_owned() + &"A,Acer,1\n".repeat(10_000);
    let outcome = drain(Reader::new(Broken(file.as_bytes()), &Options::default()).unwrap());
    assert!(!outcome.rows.is_empty());
    assert!(matches!(outcome.failure, Some(ImportError::Io(_))));
}
