//! Kinds of file: what they are called, what they are served as, and how their first bytes must look.
//!
//! `infer` says what a file begins like; it looks at few bytes (three for a GIF), so each kind here
//! holds the file to the shape of its format as well. That keeps out what is meant to be two things at
//! once, as far as first bytes can tell: a file is served as an attachment, under the media type of its
//! kind and with `nosniff`, in any case.

mod image;
mod office;
mod text;

use std::fmt;

/// What is known of a file when its kind is checked.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Its first bytes: [`super::HEAD_BYTES`] of them, or all.
    pub head: &'a [u8],
    /// Its size in bytes, once it is known.
    pub size: Option<u64>,
}

impl Sample<'_> {
    /// Whether these are known to be all the bytes there are.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.size.is_some_and(|size| size <= self.head.len() as u64)
    }
}

/// A kind of file that can be let in. vivero's own are in [`kinds`]; one of your own is a constant
/// with its own check.
pub struct FileKind {
    /// In words, for messages: `PDF document`.
    pub name: &'static str,
    /// The endings of its names, in lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// What it is served as.
    pub media_type: &'static str,
    /// Whether a file is of this kind, judged by its first bytes; if not, why.
    pub check: fn(Sample<'_>) -> Result<(), &'static str>,
}

impl fmt::Debug for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKind({})", self.name)
    }
}
impl PartialEq for FileKind {
    /// Kinds are told apart by their names.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for FileKind {}

/// The kinds vivero knows. SVG and HTML are not among them: they are programs that a browser runs.
pub mod kinds {
    use super::{FileKind, image, office, text};

    macro_rules! kinds {
        ($($(#[$doc:meta])* $id:ident = $name:literal, $extensions:expr, $media:literal, $check:expr;)*) => {
            $(
                $(#[$doc])*
                pub static $id: FileKind = FileKind {
                    name: $name, extensions: &$extensions, media_type: $media, check: $check,
                };
            )*
            /// All of them.
            pub static ALL: &[&FileKind] = &[$(&$id),*];
        };
    }

    kinds! {
        /// Portable Document Format.
        PDF = "PDF document", ["pdf"], "application/pdf", office::pdf;
        /// Portable Network Graphics.
        PNG = "PNG image", ["png"], "image/png", image::png;
        /// JPEG photographs.
        JPEG = "JPEG image", ["jpg", "jpeg"], "image/jpeg", image::jpeg;
        /// Graphics Interchange Format.
        GIF = "GIF image", ["gif"], "image/gif", image::gif;
        /// WebP.
        WEBP = "WebP image", ["webp"], "image/webp", image::webp;
        /// What telephones take photographs in.
        HEIC = "HEIC image", ["heic", "heif"], "image/heic", image::heic;
        /// Tagged Image File Format.
        TIFF = "TIFF image", ["tif", "tiff"], "image/tiff", image::tiff;
        /// Comma-separated values, in UTF-8, UTF-16 with a byte order mark or an 8-bit code page.
        CSV = "CSV table", ["csv"], "text/csv", text::plain;
        /// Plain text, in the same encodings.
        TEXT = "plain text", ["txt"], "text/plain", text::plain;
        /// Excel's, without macros.
        XLSX = "Excel workbook", ["xlsx"],
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", office::xlsx;
        /// Word's, without macros.
        DOCX = "Word document", ["docx"],
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document", office::docx;
        /// OpenDocument's tables.
        ODS = "OpenDocument spreadsheet", ["ods"],
            "application/vnd.oasis.opendocument.spreadsheet", office::ods;
        /// OpenDocument's texts.
        ODT = "OpenDocument text", ["odt"],
            "application/vnd.oasis.opendocument.text", office::odt;
    }
}

type Verdict = Result<(), &'static str>;

/// What `infer` takes it for must be among these.
fn inferred(head: &[u8], media_types: &[&str]) -> Verdict {
    match infer::get(head) {
        Some(found) if media_types.contains(&found.mime_type()) => Ok(()),
        _ => Err("it begins like another kind of file"),
    }
}

/// Markup and scripts have no place in what is not text.
fn no_markup(bytes: &[u8]) -> Verdict {
    const MARKERS: [&[u8]; 5] = [b"<script", b"<?php", b"<!doctype html", b"<html", b"<svg"];
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == b'<') {
        rest = &rest[at..];
        let begins = |marker: &[u8]| {
            rest.get(..marker.len()).is_some_and(|start| start.eq_ignore_ascii_case(marker))
        };
        if MARKERS.into_iter().any(begins) {
            return Err("it has a web page or a script inside");
        }
        rest = &rest[1..];
    }
    Ok(())
}

const SCRIPT: &str = "it can be read as a script too";

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}
fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
