//! Reads the struct and its `#[record(...)]` attributes; finds every mistake before giving up.

mod field;
mod table;

use crate::names;
pub(crate) use field::{Column, Text};
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DataStruct, DeriveInput, Expr, ExprLit, Fields, Lit, Meta, Token, Type,
};
pub(crate) use table::Table;

/// Most columns of one record type.
const MAX_COLUMNS: usize = 60;

/// A struct that can be a record.
pub(crate) struct Declaration {
    pub(crate) ident: Ident,
    pub(crate) id_type: Type,
    pub(crate) columns: Vec<Column>,
    pub(crate) table: Table,
}

/// The mistakes found so far.
#[derive(Default)]
struct Mistakes(Option<syn::Error>);

impl Mistakes {
    fn note(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(syn::Error::new(span, message));
    }
    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }
}

/// Reads the declaration; the error holds every mistake.
pub(crate) fn declaration(input: DeriveInput) -> syn::Result<Declaration> {
    let mut mistakes = Mistakes::default();
    let fields = match input.data {
        Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) => fields.named,
        Data::Struct(_) => return Err(unfit(&input.ident, "a struct with named fields")),
        Data::Enum(_) => return Err(unfit(&input.ident, "a struct, not for an enum")),
        Data::Union(_) => return Err(unfit(&input.ident, "a struct, not for a union")),
    };
    if !input.generics.params.is_empty() {
        let message = "a record is one table, so its struct has no type parameters and lifetimes";
        mistakes.note(input.generics.params.span(), message);
    }

    let mut id_type = None;
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let Some(ident) = field.ident else { continue };
        if ident.unraw() == "id" {
            for attribute in field.attrs.iter().filter(|a| a.path().is_ident("record")) {
                mistakes
                    .note(attribute.path().span(), "`id` is not a column and takes no attributes");
            }
            id_type = Some(field.ty);
            continue;
        }
        if columns.len() == MAX_COLUMNS {
            mistakes.note(ident.span(), format!("a record has at most {MAX_COLUMNS} columns"));
        }
        columns.push(Column::read(ident, field.ty, &field.attrs, &mut mistakes));
    }
    let table = Table::read(&input.ident, &input.attrs, &columns, &mut mistakes);
    if id_type.is_none() {
        let message = "a record needs a field `id`, e.g. `id: RecordId<Self>`";
        mistakes.note(input.ident.span(), message);
    }
    match (mistakes.0, id_type, table) {
        (None, Some(id_type), Some(table)) => {
            Ok(Declaration { ident: input.ident, id_type, columns, table })
        }
        (Some(errors), ..) => Err(errors),
        (None, ..) => Err(unfit(&input.ident, "a struct with `id`, `table` and `resource`")),
    }
}

fn unfit(ident: &Ident, what: &str) -> syn::Error {
    syn::Error::new(ident.span(), format!("`#[derive(Record)]` is for {what}"))
}

/// What stands in all `#[record(...)]` of one place, each name at most once.
fn items(attributes: &[Attribute], mistakes: &mut Mistakes) -> Vec<(Ident, Meta)> {
    let mut found: Vec<(Ident, Meta)> = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("record")) {
        let metas = match attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
        {
            Ok(metas) => metas,
            Err(error) => {
                mistakes.add(error);
                continue;
            }
        };
        for meta in metas {
            let Some(name) = meta.path().get_ident().cloned() else {
                mistakes.note(meta.path().span(), "expected the name of an attribute");
                continue;
            };
            if found.iter().any(|(other, _)| *other == name) {
                mistakes.note(name.span(), format!("`{name}` is given twice"));
            } else {
                found.push((name, meta));
            }
        }
    }
    found
}

/// The literal in `name = literal`.
fn literal(meta: &Meta) -> Option<&Lit> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit, .. }) => Some(lit),
            _ => None,
        },
        _ => None,
    }
}
