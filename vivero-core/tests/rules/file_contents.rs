use crate::rules;
use proptest::prelude::*;
use vivero_core::files::{FileKind, FileRules, HEAD_BYTES, Sample, kinds};

/// Whether a whole file is taken as of that kind.
fn fits(kind: &FileKind, content: &[u8]) -> bool {
    let head = &content[..content.len().min(HEAD_BYTES)];
    let rules = FileRules::default();
    let whole = rules.content(kind, Sample { head, size: Some(content.len() as u64) });
    if whole.is_ok() {
        let unknown = rules.content(kind, Sample { head, size: None });
        unknown.expect("what is sound is not refused before its size is known");
    }
    whole.is_ok()
}

fn png() -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0".to_vec();
    file.extend_from_slice(&[0x82, 0x11, 0x22, 0x33, 0, 0, 0, 0]);
    file.extend_from_slice(b"IEND\xaeB`\x82");
    file
}
fn jpeg() -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x48\0\x48\0\0".to_vec();
    file.extend_from_slice(b"\xff\xdb\0\x04\0\x01\xff\xc0\0\x05\x08\0\x10\xff\xda\0\x03\x01");
    file.extend_from_slice(b"\x12\x34\xff\xd9");
    file
}
fn gif(width: u16, height: u16) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend_from_slice(&width.to_le_bytes());
    file.extend_from_slice(&height.to_le_bytes());
    file.extend_from_slice(b"\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;");
    file
}
fn webp(size: usize) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WEBPVP8 ".to_vec();
    file.resize(size.max(20), 0x9d);
    let inside = u32::try_from(file.len() - 8).expect("fits");
    file[4..8].copy_from_slice(&inside.to_le_bytes());
    file
}
fn heic() -> Vec<u8> {
    let mut file = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    file.extend_from_slice(&[0, 0, 0, 8, b'm', b'd', b'a', b't']);
    file
}
fn tiff() -> Vec<u8> {
    b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x10\0\0\0\0\0\0\0".to_vec()
}
fn pdf() -> Vec<u8> {
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer<<>>\n%%EOF\n"
        .to_vec()
}
/// An archive of entries that are stored as they are.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, content) in entries {
        let size = u32::try_from(content.len()).expect("fits").to_le_bytes();
        file.extend_from_slice(b"PK\x03\x04\x14\0\0\0\0\0\0\0!\0\xaa\xbb\xcc\xdd");
        file.extend_from_slice(&size);
        file.extend_from_slice(&size);
        file.extend_from_slice(&u16::try_from(name.len()).expect("fits").to_le_bytes());
        file.extend_from_slice(&[0, 0]);
        file.extend_from_slice(name.as_bytes());
        file.extend_from_slice(content);
    }
    file.extend_from_slice(b"PK\x05\x06");
    file.resize(file.len() + 18, 0);
    file
}
fn office(folder: &str) -> Vec<u8> {
    let (types, main) = ("[Content_Types].xml", format!("{folder}/main.xml"));
    zip(&[(types, b"<Types/>"), ("_rels/.rels", b"<R/>"), (&main, b"<x/>")])
}
fn open_document(media_type: &str) -> Vec<u8> {
    zip(&[("mimetype", media_type.as_bytes()), ("content.xml", b"<x/>")])
}
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODT: &str = "application/vnd.oasis.opendocument.text";

fn samples() -> Vec<(&'static FileKind, Vec<u8>)> {
    vec![
        (&kinds::PDF, pdf()),
        (&kinds::PNG, png()),
        (&kinds::JPEG, jpeg()),
        (&kinds::GIF, gif(640, 480)),
        (&kinds::WEBP, webp(100)),
        (&kinds::HEIC, heic()),
        (&kinds::TIFF, tiff()),
        (&kinds::CSV, b"bed;plants\n7;4000\n".to_vec()),
        (&kinds::TEXT, "Süd\n".into()),
        (&kinds::XLSX, office("xl")),
        (&kinds::DOCX, office("word")),
        (&kinds::ODS, open_document(ODS)),
        (&kinds::ODT, open_document(ODT)),
    ]
}

#[test]
fn every_kind_takes_its_own_and_no_others() {
    let samples = samples();
    assert_eq!(samples.len(), kinds::ALL.len(), "there is a sample of each kind");
    for (kind, content) in &samples {
        for other in kinds::ALL {
            let same = kind == other
                || kind.media_type.starts_with("text/") && other.media_type.starts_with("text/");
            assert_eq!(fits(other, content), same, "a {} as a {}", kind.name, other.name);
        }
    }
}

#[test]
fn an_empty_file_is_of_no_kind() {
    for kind in kinds::ALL {
        let refused = FileRules::default().content(kind, Sample { head: b"", size: None });
        assert_eq!(rules(&refused.expect_err("empty")), ["file: min_size"], "{}", kind.name);
    }
}

#[test]
fn a_file_cut_off_in_its_header_is_of_no_kind() {
    for (kind, content) in samples() {
        if kind.media_type.starts_with("text/") {
            continue;
        }
        for length in 1..8 {
            assert!(!fits(kind, &content[..length]), "{length} bytes of a {}", kind.name);
        }
    }
}

#[test]
fn polyglots_are_refused() {
    let js = b"=1;alert(document.domain)//";
    let mut comment = gif(640, 480);
    comment[6..8].copy_from_slice(b"/*");
    comment.extend_from_slice(b"*/=1;alert(1)");
    let mut line = gif(640, 480);
    line[6..10].copy_from_slice(b"//\x02\x02");
    let mut string = gif(640, 480);
    string[6..10].copy_from_slice(b"=\n\"\x02");
    string.extend_from_slice(b"\";alert(1)");
    // Heyes, "Bypassing CSP using polyglot JPEGs" (2016): a length that opens a comment.
    let mut photo = b"\xff\xd8\xff\xe0/*JFIF\0".to_vec();
    photo.resize(4 + 0x2f2a, 0);
    photo.extend_from_slice(&jpeg()[20..]);
    photo.extend_from_slice(b"*/=alert(1);/*");
    let mut sound = webp(0x2a2f + 0x10000 + 8);
    assert_eq!(&sound[4..6], b"/*");
    for (name, kind, content) in [
        ("a name and an assignment", &kinds::GIF, [b"GIF89a", &js[..]].concat()),
        ("the older name", &kinds::GIF, [b"GIF87a", &js[..]].concat()),
        ("a comment", &kinds::GIF, comment),
        ("a comment of one line", &kinds::GIF, line),
        ("a string", &kinds::GIF, string),
        ("nothing but a name", &kinds::GIF, b"GIF89a;alert(1);,,,,,,,,".to_vec()),
        ("no version", &kinds::GIF, b"GIF=1;alert(1)".to_vec()),
        ("a photograph", &kinds::JPEG, photo),
        ("a container", &kinds::WEBP, std::mem::take(&mut sound)),
    ] {
        assert!(infer_takes_it(kind, &content), "{name}: what this crate's check is for");
        assert!(!fits(kind, &content), "{name}");
    }
    let page = b"<script>alert(1)</script>";
    let shouted = b"<ScRiPt SRC=//x>";
    for (kind, mut content) in samples() {
        if !kind.media_type.starts_with("image/") && kind != &kinds::PDF {
            continue;
        }
        assert!(fits(kind, &content));
        for marker in [
            &page[..],
            shouted,
            b"<?php system($_GET['c']);",
            b"<!DOCTYPE html>",
            b"<svg onload=x>",
        ] {
            let at = content.len();
            content.extend_from_slice(marker);
            assert!(!fits(kind, &content), "a {} with a page inside", kind.name);
            content.truncate(at);
        }
        let before = [&page[..], &content].concat();
        assert!(!fits(kind, &before), "a {} behind a page", kind.name);
        let before = [&b"\n"[..], &content].concat();
        assert!(!fits(kind, &before), "a {} that does not begin at once", kind.name);
    }
}

/// What the kind's check would be if it looked at the beginning alone.
fn infer_takes_it(kind: &FileKind, content: &[u8]) -> bool {
    infer::get(content).is_some_and(|found| found.mime_type() == kind.media_type)
}

#[test]
fn true_pictures_of_odd_sizes_are_taken() {
    // Sides whose bytes happen to be letters.
    for (width, height) in
        [(1, 1), (0x2f, 0x2a), (96, 96), (0x2a2f, 1), (2400, 1600), (0x6060, 7), (65_535, 65_535)]
    {
        // A width of `/*` or of two back quotes is the price.
        let wanted = !matches!(width, 0x2a2f | 0x6060);
        assert_eq!(fits(&kinds::GIF, &gif(width, height)), wanted, "{width} by {height}");
    }
    assert!(!fits(&kinds::GIF, &gif(0, 5)) && !fits(&kinds::GIF, &gif(5, 0)));
    let mut exif = b"\xff\xd8\xff\xe1\x40\x02".to_vec();
    exif.resize(4 + 0x4002, 7);
    exif.extend_from_slice(&jpeg()[2..]);
    assert!(fits(&kinds::JPEG, &exif), "a photograph that begins with its Exif data");
    let mut long = b"\xff\xd8\xff\xe1\xff\xff".to_vec();
    long.resize(HEAD_BYTES, 7);
    let sample = Sample { head: &long, size: Some(5_000_000) };
    FileRules::default().content(&kinds::JPEG, sample).expect("Exif data beyond the sample");
    long.resize(100, 7);
    assert!(!fits(&kinds::JPEG, &long), "a photograph that ends in its Exif data");
}

#[test]
fn texts_are_told_from_what_only_is_called_text() {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let mark = [0xfeff];
        mark.into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    };
    let latin: Vec<u8> = b"S\xfcd;M\xe4rz;\x80 5\n".to_vec();
    for content in [
        &b"a"[..],
        b"\n",
        b"bed;plants\r\n7;4000\r\n\x1a",
        b"BMI,ID3,MZ,PK\n",
        b"\"<5 cm\";7\n",
        b"< 5 cm;7\n",
        b"<5 cm;7\n",
        "\u{feff}Süd;苗床;🌱\n".as_bytes(),
        &latin,
        &utf16("Süd;🌱\n", true),
        &utf16("Süd;🌱\n", false),
    ] {
        assert!(fits(&kinds::CSV, content) && fits(&kinds::TEXT, content), "{content:?}");
    }
    for content in [
        &b"a\0b"[..],
        b"\x1b]0;owned\x07",
        b"\x7fELF",
        b"MZ\x90\0\x03",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"  \r\n\t<HTML>",
        b"<!-- -->",
        b"<?xml version='1.0'?>",
        b"</x>",
        b"\xef\xbb\xbf<script>",
        b"\xef\xbb\xbf\xc3\x28",
        b"\xef\xbb\xbfa\xc3",
        b"#!/bin/sh\n",
        b"%PDF-1.7",
        b"%!PS",
        b"{\\rtf1}",
        b"\xff\xfe\0\0a\0\0\0",
        b"\xff\xfea",
        b"\xff\xfe\0\xd8a\0",
        &utf16("<svg onload=alert(1)>", true),
        &utf16("<svg onload=alert(1)>", false),
        &utf16("a\0b", false),
    ] {
        assert!(!fits(&kinds::CSV, content) && !fits(&kinds::TEXT, content), "{content:?}");
    }
}

#[test]
fn a_sample_may_end_in_the_middle_of_a_character() {
    for text in ["\u{feff}🌱🌱🌱🌱", "\u{feff}üüüüüüü"] {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [text.as_bytes(), &units] {
            for cut in 4..bytes.len() {
                let sample = Sample { head: &bytes[..cut], size: Some(bytes.len() as u64) };
                FileRules::default().content(&kinds::CSV, sample).expect("cut off, but sound");
            }
        }
    }
}

#[test]
fn archives_are_what_they_hold() {
    let types = ("[Content_Types].xml", &b"<Types/>"[..]);
    let app = ("docProps/app.xml", &b"<x/>"[..]);
    let sheet = ("xl/workbook.xml", &b"<x/>"[..]);
    let text = ("word/document.xml", &b"<x/>"[..]);
    let inner = office("word");
    for (entries, wanted) in [
        (vec![types, app, sheet], true),
        (vec![app, ("docProps/core.xml", b"<x/>"), ("_rels/.rels", b"<x/>"), sheet, types], true),
        (vec![types, sheet, ("xl/embeddings/a.docx", &inner)], true),
        (vec![types, text, sheet], false),
        (vec![types, app], false),
        (vec![("a.txt", b"x"), types, sheet], false),
        (vec![("META-INF/MANIFEST.MF", b"x"), ("xl/a.class", b"x")], false),
        (vec![types, sheet, ("xl/vbaProject.bin", b"x")], false),
        (vec![("../xl/workbook.xml", b"x"), types], false),
    ] {
        let names: Vec<&str> = entries.iter().map(|(name, _)| *name).collect();
        assert_eq!(fits(&kinds::XLSX, &zip(&entries)), wanted, "{names:?}");
    }
    for media_type in [format!("{ODS}-template"), format!("{ODS} "), "application/zip".into()] {
        assert!(!fits(&kinds::ODS, &open_document(&media_type)), "{media_type}");
    }
    // A thumbnail larger than the sample, before the document itself.
    let thumbnail = vec![0x55; 100_000];
    let large = zip(&[types, ("docProps/thumbnail.jpeg", &thumbnail), sheet]);
    assert!(fits(&kinds::XLSX, &large));
}

proptest! {
    #[test]
    fn any_bytes_get_a_verdict_and_never_a_panic(
        kind in prop::sample::select(kinds::ALL), sample in prop::sample::select(samples()),
        noise in prop::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, cut: prop::sample::Index,
        size in prop::option::of(any::<u64>()),
    ) {
        let mut content = sample.1;
        let at = at.index(content.len());
        content.splice(at..(at + noise.len() / 2).min(content.len()), noise.iter().copied());
        content.truncate(cut.index(content.len() + 1));
        for head in [&content[..], &noise] {
            let rules = FileRules::default();
            let known = rules.content(kind, Sample { head, size: Some(head.len() as u64) });
            let _ = rules.content(kind, Sample { head, size });
            // What is refused before the size is known would be refused after.
            if rules.content(kind, Sample { head, size: None }).is_err() {
                prop_assert!(known.is_err(), "{:?} {:?}", kind, head);
            }
        }
    }

    #[test]
    fn a_beginning_decides_alike_however_much_comes_after(
        // WebP says how long it is, and text is held to it to its end.
        sample in prop::sample::select(samples()).prop_filter("any tail", |(kind, _)| {
            kind != &&kinds::WEBP && !kind.media_type.starts_with("text/")
        }),
        tail in prop::collection::vec(0x80_u8..=0xff, 1..200),
    ) {
        let (kind, mut content) = sample;
        content.extend(tail);
        prop_assert!(fits(kind, &content), "{:?}", kind);
    }

    #[test]
    fn text_of_any_script_is_text(text in "\\p{L}\\PC{0,200}") {
        prop_assert!(fits(&kinds::TEXT, text.as_bytes()));
        prop_assert!(fits(&kinds::CSV, text.as_bytes()));
    }

    #[test]
    fn bytes_of_chance_are_no_picture(noise in prop::collection::vec(any::<u8>(), 1..400)) {
        for kind in kinds::ALL.iter().filter(|kind| !kind.media_type.starts_with("text/")) {
            prop_assert!(!fits(kind, &noise), "{:?}", kind);
        }
    }
}
