//! Documents: PDF, and what office programs keep in ZIP archives.

use super::{Sample, Verdict, inferred, le16, le32, no_markup};

const SHAPE: &str = "it does not have the structure of such a document";

/// PDF from the first byte on. Readers forgive a thousand bytes of something else before it, which is
/// what makes it easy to hide in.
pub(super) fn pdf(Sample { head, .. }: Sample<'_>) -> Verdict {
    inferred(head, &["application/pdf"])?;
    let version = head.strip_prefix(b"%PDF-").ok_or(SHAPE)?;
    if !matches!(version, [b'1'..=b'2', b'.', b'0'..=b'9', ..]) {
        return Err(SHAPE);
    }
    no_markup(&head[..head.len().min(1024)])
}

pub(super) fn xlsx(sample: Sample<'_>) -> Verdict {
    open_xml(sample, b"xl/")
}
pub(super) fn docx(sample: Sample<'_>) -> Verdict {
    open_xml(sample, b"word/")
}
pub(super) fn ods(sample: Sample<'_>) -> Verdict {
    open_document(sample, "application/vnd.oasis.opendocument.spreadsheet")
}
pub(super) fn odt(sample: Sample<'_>) -> Verdict {
    open_document(sample, "application/vnd.oasis.opendocument.text")
}

/// Office Open XML: an archive with the parts of a package, the first folder of which is its own.
/// (`infer` wants that folder among the first four entries, where not every program puts it.)
fn open_xml(sample: Sample<'_>, folder: &[u8]) -> Verdict {
    const FOLDERS: [&[u8]; 3] = [b"xl/", b"word/", b"ppt/"];
    let media = "application/vnd.openxmlformats-officedocument";
    let (word, excel) =
        (format!("{media}.wordprocessingml.document"), format!("{media}.spreadsheetml.sheet"));
    inferred(sample.head, &["application/zip", &word, &excel])?;
    let is_part = |name: &[u8]| {
        name == b"[Content_Types].xml" || name == b"_rels/.rels" || name.starts_with(b"docProps/")
    };
    if !entries(sample.head).next().is_some_and(|name| is_part(name) || name.starts_with(folder)) {
        return Err(SHAPE);
    }
    if entries(sample.head).any(|name| name.ends_with(b"vbaProject.bin")) {
        return Err("it has macros inside");
    }
    // What is embedded comes later: the first folder is that of the document itself.
    let mut folders = entries(sample.head)
        .filter_map(|name| FOLDERS.into_iter().find(|folder| name.starts_with(folder)));
    match folders.next() {
        Some(first) if first == folder => Ok(()),
        // A large thumbnail before it can push it beyond the sample.
        None if !sample.is_whole() => Ok(()),
        _ => Err(SHAPE),
    }
}

/// OpenDocument 1.3, part 2, section 3.3: the first entry says what it is, stored as it is.
fn open_document(Sample { head, .. }: Sample<'_>, media_type: &str) -> Verdict {
    inferred(head, &[media_type])?;
    // Uncompressed, without an extra field, and no longer than that type: `…text-template` is another.
    let length = u32::try_from(media_type.len()).ok();
    let sound = le16(head, 8) == Some(0) && le16(head, 28) == Some(0) && le32(head, 22) == length;
    if sound { Ok(()) } else { Err(SHAPE) }
}

/// The names of a ZIP archive's entries whose headers are in the sample (APPNOTE.TXT, section 4.3.7).
/// Sizes may be missing from the headers, so the next one is looked for, not reckoned.
fn entries(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = head.windows(4).enumerate().filter(|(_, w)| w == b"PK\x03\x04").map(|(at, _)| at);
    starts.filter_map(|at| {
        let length = usize::from(le16(head, at + 26)?);
        head.get(at + 30..at + 30 + length)
    })
}
