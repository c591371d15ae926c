//! What a command prints: for people by default, JSON lines with `--json`.

use crate::progress::Progress;
use serde::Serialize;
use serde_json::json;
use std::error::Error as _;
use std::io::Write as _;
use vivero_core::Error;

/// How a command prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

/// Writes a line. Whoever reads may have seen enough and gone: that is not an error.
fn print(line: &str) {
    if let Err(e) = writeln!(std::io::stdout(), "{line}")
        && e.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("error: the result cannot be written: {e}");
    }
}

impl Output {
    /// Progress on standard error, for people only.
    pub(super) const fn progress(self) -> Progress {
        if self.json { Progress::Hidden } else { Progress::Shown }
    }

    /// A result: `text` for people, `value` for machines.
    pub(super) fn result(self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string(value) {
                Ok(line) => print(&line),
                Err(e) => eprintln!("error: {e}"),
            }
        } else {
            print(&text());
        }
    }

    /// Why a command failed, with the causes behind it and every broken rule.
    pub(super) fn failed(self, error: &Error) {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        if self.json {
            let errors = match error {
                Error::Invalid(errors) => json!(errors),
                _ => json!([]),
            };
            eprintln!(
                "{}",
                json!({"code": error.code(), "detail": error.to_string(), "causes": causes, "errors": errors})
            );
            return;
        }
        match error {
            Error::Invalid(errors) => {
                for e in errors {
                    eprintln!("error: {} {}", e.field, e.message);
                }
            }
            _ => eprintln!("error: {error}"),
        }
        for cause in causes {
            eprintln!("  because: {cause}");
        }
    }
}
