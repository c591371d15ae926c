//! Every encoding that growers' programs write.

use super::*;
use encoding_rs::{MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

const FILE: &str = "Code;Name;Stückzahl\nÄ1;Rosa ‘Crème’;5\n";

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[track_caller]
fn understood(file: impl AsRef<[u8]>, options: &Options, encoding: &'static encoding_rs::Encoding) {
    let reader = Reader::new(file.as_ref(), options).unwrap();
    assert_eq!(reader.encoding(), encoding);
    let rows = drain(reader).good();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].entity.code.as_str(), rows[0].entity.name.as_str()),
        ("Ä1", "Rosa ‘Crème’")
    );
}

#[test]
fn encodings_are_found_out() {
    let free = Options::default();
    understood(FILE, &free, UTF_8);
    understood(format!("\u{feff}{FILE}"), &free, UTF_8);
    understood(utf_16(&format!("\u{feff}{FILE}"), u16::to_le_bytes), &free, UTF_16LE);
    understood(utf_16(&format!("\u{feff}{FILE}"), u16::to_be_bytes), &free, UTF_16BE);
    understood(WINDOWS_1252.encode(FILE).0, &free, WINDOWS_1252);
}

#[test]
fn encodings_can_be_forced() {
    let forced = |encoding| Options { encoding: Some(encoding), ..Options::default() };
    understood(utf_16(FILE, u16::to_le_bytes), &forced(UTF_16LE), UTF_16LE);
    understood(utf_16(&format!("\u{feff}{FILE}"), u16::to_be_bytes), &forced(UTF_16BE), UTF_16BE);
    understood(WINDOWS_1252.encode(FILE).0, &forced(WINDOWS_1252), WINDOWS_1252);
    understood(MACINTOSH.encode(FILE).0, &forced(MACINTOSH), MACINTOSH);
    understood(format!("\u{feff}{FILE}"), &forced(UTF_8), UTF_8);
    let outcome = read_with(b"code;name;qty\nA;Acer;1\nB;Betula \xe4;2\n", &forced(UTF_8));
    assert_eq!(outcome.lines(), [2]);
    assert_eq!(
        outcome.failure.unwrap().to_string(),
        "line 3 is not valid UTF-8; if the file was saved in an older encoding, name it, e.g. --encoding windows-1252"
    );
}

fn long(first_name: &str) -> (Vec<u8>, u64) {
    let mut file = format!("code;name;qty\nFIRST;{first_name};1\n");
    let mut line = 3;
    while file.len() < 150_000 {
        file += &format!("C{line};\"Acer\r\npalmatum\";1\n");
        line += 2;
    }
    (file.into_bytes(), line)
}

#[test]
fn ascii_may_turn_out_to_be_windows_1252_late() {
    let (mut file, _) = long("Acer");
    file.extend(b"LAST;Rosa Cr\xe8me;1\nAFTER;\x80\xc3\xa9;1\n");
    let rows = read(file).good();
    assert_eq!(rows[rows.len() - 2].entity.name, "Rosa Crème");
    assert_eq!(rows[rows.len() - 1].entity.name, "€Ã©");
}

#[test]
fn bytes_that_do_not_fit_the_accents_before_them_end_the_file_and_name_the_line() {
    let (mut file, line) = long("Rosa Crème");
    let good = file.iter().filter(|b| **b == b';').count() / 2 - 1;
    file.extend(b"LAST;\"Rosa\nCr\xe8me\";1\nAFTER;Acer;1\n");
    let outcome = read(&file);
    assert_eq!(outcome.rows.len(), good, "rows before the damage are given");
    assert_eq!(
        outcome.failure.unwrap().to_string(),
        format!(
            "line {} is not valid UTF-8; if the file was saved in an older encoding, name it, e.g. --encoding windows-1252",
            line + 1
        )
    );
    let forced = Options { encoding: Some(WINDOWS_1252), ..Options::default() };
    assert_eq!(read_with(&file, &forced).good().len(), good + 2);
}

#[test]
fn one_broken_byte_does_not_turn_every_accent_into_two_letters() {
    let outcome = read(b"code;name;qty\nA;Cr\xc3\xa8me;1\nB;Gr\xc3\xbcn;2\nC;br\xe4un;3\n");
    assert_eq!(outcome.lines(), [2, 3]);
    assert!(matches!(outcome.failure, Some(ImportError::Encoding { line: 4, .. })), "{outcome:?}");
}

#[test]
fn a_hybrid_sign_before_a_curly_quote_does_not_look_like_utf_8() {
    let file = b"code;name;qty\nA;Abelia \xd7\x91Kaleidoscope\x92;1\nB;Gr\xfcn;2\n";
    assert_eq!(read(file).good()[0].entity.name, "Abelia ×‘Kaleidoscope’");
}

#[test]
fn a_character_cut_off_at_the_end_is_damage() {
    let outcome = read(b"code;name;qty\nA;Gr\xc3\xbcn;1\nB;Gr\xc3\xbcn;2\nC;Acer;3\xc3");
    assert!(matches!(outcome.failure, Some(ImportError::Encoding { line: 4, .. })), "{outcome:?}");
    let mut odd = utf_16("\u{feff}code;name;qty\nA;Acer;1\nB;Betula;2", u16::to_le_bytes);
    odd.push(0x20);
    let outcome = read(odd);
    assert_eq!(outcome.lines(), [2]);
    assert_eq!(
        outcome.failure.unwrap().to_string(),
        "line 3 is not valid UTF-16LE; name the file's encoding with --encoding"
    );
}
