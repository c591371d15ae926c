//! One field that is a column.

use super::{Mistakes, items, literal, names};
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, GenericArgument, Lit, Meta, PathArguments, Type, TypePath};

/// Each is a function of `Column` that declares it.
const FLAGS: &[&str] = &[
    "filter", "lead", "sort", "search", "unique", "count", "sum", "personal", "secret", "command",
];

/// A field that is a column, with what is declared of it.
pub(crate) struct Column {
    pub(crate) ident: Ident,
    /// The field's name as it stands in the database: without `r#`.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) flags: Vec<Ident>,
    pub(crate) max: Option<u32>,
}

/// How a field holds text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// `String`.
    Always,
    /// `Option<String>`.
    Optional,
}

impl Column {
    pub(super) fn read(
        ident: Ident,
        ty: Type,
        attributes: &[Attribute],
        mistakes: &mut Mistakes,
    ) -> Self {
        let name = ident.unraw().to_string();
        if let Some(reason) = names::refuse_column(&name) {
            mistakes.note(ident.span(), reason);
        }
        let mut flags = Vec::new();
        let mut max = None;
        for (word, meta) in items(attributes, mistakes) {
            if word == "max" {
                max = read_max(&meta, mistakes);
            } else if !FLAGS.iter().any(|flag| word == flag) {
                let known = FLAGS.join(", ");
                let message =
                    format!("unknown attribute `{word}`; a field can have: {known}, max = 64");
                mistakes.note(word.span(), message);
            } else if matches!(meta, Meta::Path(_)) {
                flags.push(word);
            } else {
                mistakes.note(meta.span(), format!("`{word}` takes no value"));
            }
        }
        let column = Self { ident, name, ty, flags, max };
        if column.has("secret") {
            let shown = column.flags.iter().filter(|f| *f == "search" || *f == "sort");
            for flag in shown {
                let message = format!("a `secret` column cannot be `{flag}`: that would reveal it");
                mistakes.note(flag.span(), message);
            }
        }
        column
    }

    /// Whether the flag is declared.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }

    /// Whether and how it holds text, judged by the name of the type alone.
    pub(crate) fn text(&self) -> Option<Text> {
        let path = plain(&self.ty)?;
        let last = path.path.segments.last()?;
        match &last.arguments {
            PathArguments::None if last.ident == "String" => Some(Text::Always),
            PathArguments::AngleBracketed(inner) if last.ident == "Option" => {
                let GenericArgument::Type(inner) = inner.args.first()? else { return None };
                let inner = plain(inner)?.path.segments.last()?;
                (inner.ident == "String" && inner.arguments.is_none()).then_some(Text::Optional)
            }
            _ => None,
        }
    }
}

/// The type without the parentheses and invisible groups that macros leave around it.
fn plain(ty: &Type) -> Option<&TypePath> {
    match ty {
        Type::Path(path) if path.qself.is_none() => Some(path),
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        _ => None,
    }
}

fn read_max(meta: &Meta, mistakes: &mut Mistakes) -> Option<u32> {
    let number = match literal(meta) {
        Some(Lit::Int(number)) => number.base10_parse().ok().filter(|max| *max > 0),
        _ => None,
    };
    if number.is_none() {
        mistakes.note(meta.span(), "expected a whole number from 1 to 4294967295: `max = 64`");
    }
    number
}
