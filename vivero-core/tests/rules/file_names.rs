use crate::broken;
use proptest::prelude::*;
use vivero_core::error::Check;
use vivero_core::files::{attachment, check_name};

fn verdict(name: &str) -> String {
    let mut check = Check::new();
    check_name(&mut check, "file_name", name);
    broken(check).join(", ").replace("file_name: ", "")
}

#[test]
fn names_are_taken_and_refused() {
    for (name, wanted) in [
        ("beds.csv", ""),
        ("Beet 7 (Süd) – März.pdf", ""),
        ("苗床.png", ""),
        ("שתילים.pdf", ""),
        ("🌱.jpg", ""),
        (".hidden", ""),
        ("a..b", ""),
        ("CON", ""),
        ("", "min_length"),
        (" ", "min_length, trimmed"),
        ("..", "no_path, trimmed"),
        (".", "no_path, trimmed"),
        ("../etc/passwd", "no_path"),
        ("/etc/passwd", "no_path"),
        ("a/b.png", "no_path"),
        ("a\\b.png", "no_path"),
        ("C:beds.csv", "no_path"),
        ("beds.csv:stream", "no_path"),
        ("a\0.png", "no_control_characters"),
        ("a\u{1b}[2J.png", "no_control_characters"),
        ("a\nb.png", "one_line"),
        ("a\r\nSet-Cookie: x", "one_line, no_path"),
        ("a\tb.png", "one_line"),
        ("a\u{2028}b.png", "one_line"),
        ("photo\u{202e}gnp.exe", "one_direction"),
        ("photo\u{2066}gnp.exe", "one_direction"),
        ("beds.csv ", "trimmed"),
        ("beds.csv.", "trimmed"),
        (" beds.csv", "trimmed"),
    ] {
        assert_eq!(verdict(name), wanted, "{name:?}");
    }
    assert_eq!(verdict(&"ä".repeat(255)), "");
    assert_eq!(verdict(&"ä".repeat(256)), "max_length");
    assert_eq!(verdict(&"x".repeat(10_000_000)), "max_length");
}

#[test]
fn a_name_is_sent_as_rfc_6266_says() {
    for (name, wanted) in [
        ("beds.csv", "attachment; filename=\"beds.csv\"; filename*=UTF-8''beds.csv"),
        ("Beet 7.csv", "attachment; filename=\"Beet 7.csv\"; filename*=UTF-8''Beet%207.csv"),
        (
            "März €.csv",
            "attachment; filename=\"M_rz _.csv\"; filename*=UTF-8''M%C3%A4rz%20%E2%82%AC.csv",
        ),
        (
            "a\"b\\c%41;d'e*",
            "attachment; filename=\"a_b_c_41;d'e*\"; filename*=UTF-8''a%22b%5Cc%2541%3Bd%27e%2A",
        ),
        ("", "attachment; filename=\"\"; filename*=UTF-8''"),
    ] {
        assert_eq!(attachment(name), wanted, "{name:?}");
    }
}

proptest! {
    #[test]
    fn any_name_makes_one_header_of_printable_ascii(name in "\\PC{0,40}|[\\x00-\\x7f]{0,40}|(?s:.){0,300}") {
        let header = attachment(&name);
        prop_assert!(header.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{:?}", header);
        let (quoted, encoded) = header
            .strip_prefix("attachment; filename=\"")
            .and_then(|rest| rest.split_once("\"; filename*=UTF-8''"))
            .expect("two spellings of the name");
        prop_assert!(!quoted.contains(['"', '\\', '%']), "{:?}", quoted);
        prop_assert_eq!(quoted.chars().count(), name.chars().count().min(255));
        let mut bytes = Vec::new();
        let mut rest = encoded.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                let digits = std::str::from_utf8(&digits).expect("ascii");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
            } else {
                prop_assert!(byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte));
                bytes.push(byte);
            }
        }
        let wanted: String = name.chars().take(255).collect();
        prop_assert_eq!(String::from_utf8(bytes).expect("UTF-8"), wanted);
    }

    #[test]
    fn a_name_that_is_taken_is_harmless_as_a_last_part_of_a_path(name in "\\PC{0,20}|[./\\\\: a-b\\x00-\\x1f]{0,8}") {
        if verdict(&name).is_empty() {
            let path = std::path::Path::new("/folder").join(&name);
            prop_assert_eq!(path.parent(), Some(std::path::Path::new("/folder")), "{:?}", name);
            prop_assert!(!name.chars().any(char::is_control), "{:?}", name);
        }
    }
}
