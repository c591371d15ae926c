//! What is declared of the record type as a whole.

use super::{Column, Mistakes, items, literal, names};
use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Lit, LitStr, Meta, Path, Token};

const KNOWN: &str = "table = \"...\", resource = \"...\", location = \"...\", owner = \"...\", \
                     facets(...), validate = path::to::function";

/// The attributes of the struct.
pub(crate) struct Table {
    pub(crate) table: LitStr,
    pub(crate) resource: LitStr,
    pub(crate) location: Option<LitStr>,
    pub(crate) owner: Option<LitStr>,
    pub(crate) facets: Vec<LitStr>,
    pub(crate) validate: Option<Path>,
}

impl Table {
    /// `None` if a required attribute is missing or unreadable; then a mistake is noted.
    pub(super) fn read(
        ident: &Ident,
        attributes: &[Attribute],
        columns: &[Column],
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let mut table = None;
        let mut resource = None;
        let mut location = None;
        let mut owner = None;
        let mut facets = Vec::new();
        let mut validate = None;
        let mut given = Vec::new();
        for (word, meta) in items(attributes, mistakes) {
            let name = word.to_string();
            match name.as_str() {
                "table" => table = read_name(&meta, names::refuse_table, mistakes),
                "resource" => resource = read_name(&meta, names::refuse_resource, mistakes),
                "location" => location = read_column(&meta, columns, mistakes),
                "owner" => owner = read_column(&meta, columns, mistakes),
                "facets" => facets = read_facets(&meta, columns, mistakes),
                "validate" => validate = read_path(&meta, mistakes),
                _ => {
                    let message = format!("unknown attribute `{word}`; a record can have: {KNOWN}");
                    mistakes.note(word.span(), message);
                }
            }
            given.push(name);
        }
        let at = attributes
            .iter()
            .find(|a| a.path().is_ident("record"))
            .map_or_else(|| ident.span(), |a| a.path().span());
        for (word, example) in [("table", "irrigation_runs"), ("resource", "irrigation")] {
            if !given.iter().any(|g| g == word) {
                let message = format!("`{word}` is missing: `#[record({word} = \"{example}\")]`");
                mistakes.note(at, message);
            }
        }
        Some(Self { table: table?, resource: resource?, location, owner, facets, validate })
    }
}

fn read_text(meta: &Meta, mistakes: &mut Mistakes) -> Option<LitStr> {
    if let Some(Lit::Str(text)) = literal(meta) {
        return Some(text.clone());
    }
    let word = meta.path().to_token_stream();
    mistakes.note(meta.span(), format!("expected a name in quotes: `{word} = \"...\"`"));
    None
}

fn read_name(
    meta: &Meta,
    refuse: fn(&str) -> Option<String>,
    mistakes: &mut Mistakes,
) -> Option<LitStr> {
    let text = read_text(meta, mistakes)?;
    if let Some(reason) = refuse(&text.value()) {
        mistakes.note(text.span(), reason);
    }
    Some(text)
}

fn read_column(meta: &Meta, columns: &[Column], mistakes: &mut Mistakes) -> Option<LitStr> {
    let text = read_text(meta, mistakes)?;
    let name = text.value();
    if name != "id" && !columns.iter().any(|c| c.name == name) {
        mistakes.note(text.span(), format!("the struct has no field `{name}`"));
    }
    Some(text)
}

fn read_facets(meta: &Meta, columns: &[Column], mistakes: &mut Mistakes) -> Vec<LitStr> {
    let Ok(list) = meta.require_list() else {
        mistakes.note(meta.span(), "expected a list of columns: `facets(status, kind)`");
        return Vec::new();
    };
    let idents = match list.parse_args_with(Punctuated::<Ident, Token![,]>::parse_terminated) {
        Ok(idents) => idents,
        Err(error) => {
            mistakes.add(error);
            return Vec::new();
        }
    };
    let mut facets: Vec<LitStr> = Vec::with_capacity(idents.len());
    for ident in idents {
        let name = ident.unraw().to_string();
        if let Some(reason) = refuse_facet(&name, columns) {
            mistakes.note(ident.span(), reason);
        } else if facets.iter().any(|f| f.value() == name) {
            mistakes.note(ident.span(), format!("`{name}` is given twice"));
        }
        facets.push(LitStr::new(&name, ident.span()));
    }
    facets
}

fn refuse_facet(name: &str, columns: &[Column]) -> Option<String> {
    match columns.iter().find(|c| c.name == name) {
        Some(column) if column.has("filter") || column.has("lead") => None,
        Some(_) => Some(format!("a facet is a filter: declare `{name}` as `filter` or `lead`")),
        None => Some(format!("the struct has no column `{name}`")),
    }
}

fn read_path(meta: &Meta, mistakes: &mut Mistakes) -> Option<Path> {
    if let Meta::NameValue(pair) = meta
        && let Expr::Path(path) = &pair.value
        && path.qself.is_none()
    {
        return Some(path.path.clone());
    }
    let message =
        "expected the path of a function, without quotes: `validate = path::to::function`";
    mistakes.note(meta.span(), message);
    None
}
