//! What a command prints: for people by default, JSON lines with `--json`.

use crate::progress::Progress;
use serde::Serialize;
use serde_json::json;
use std::error::Error as _;
use vivero_core::Error;

/// How a command prints.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
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
                Ok(line) => println!("{line}"),
                Err(e) => eprintln!("error: {e}"),
            }
        } else {
            println!("{}", text());
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
