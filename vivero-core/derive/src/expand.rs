//! Writes the implementation.

use crate::parse::{Column, Declaration, Text};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::LitStr;
use syn::spanned::Spanned;

/// As `Column::of` has it.
const DEFAULT_MAX: u32 = 255;

/// The implementation of `Record`.
pub(crate) fn record(declaration: &Declaration) -> TokenStream {
    let ident = &declaration.ident;
    let schema = schema(declaration);
    let identity = identity(declaration);
    let values = values(declaration);
    let validate = validate(declaration);
    quote! {
        #[automatically_derived]
        impl ::vivero_core::record::Record for #ident {
            #schema
            #identity
            #values
            #validate
        }
        // An associated constant is only computed where it is used; its rules hold regardless.
        const _: &::vivero_core::record::Schema =
            <#ident as ::vivero_core::record::Record>::SCHEMA;
    }
}

fn schema(declaration: &Declaration) -> TokenStream {
    let table = &declaration.table;
    let (name, resource, facets) = (&table.table, &table.resource, &table.facets);
    let (owner, location) = (option(table.owner.as_ref()), option(table.location.as_ref()));
    let columns = declaration.columns.iter().map(column);
    let rules = rules(declaration);
    quote! {
        const SCHEMA: &'static ::vivero_core::record::Schema = {
            #rules
            &::vivero_core::record::Schema {
                table: #name,
                resource: #resource,
                columns: &[#(#columns),*],
                owner: #owner,
                location: #location,
                facets: &[#(#facets),*],
            }
        };
    }
}

fn column(column: &Column) -> TokenStream {
    let Column { name, ty, flags, .. } = column;
    let max = column.max.map(|max| quote!(.max(#max)));
    quote!(::vivero_core::record::Column::of::<#ty>(#name) #(.#flags())* #max)
}

fn option(value: Option<&LitStr>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// What only the compiler knows: whether a type is stored as its use needs.
fn rules(declaration: &Declaration) -> TokenStream {
    let id_type = &declaration.id_type;
    let mut rules = kind_rule(id_type, id_type, &["Id"], "`id` must be of an id type");
    rules.extend(quote_spanned! {id_type.span()=>
        ::core::assert!(
            !<#id_type as ::vivero_core::record::Field>::NULLABLE,
            "`id` must not be optional"
        );
    });
    for column in &declaration.columns {
        let needs: [(&str, &[&str], &str); 2] = [
            ("sum", &["Int"], "only a whole number can be `sum`"),
            ("search", &["Text", "Json"], "only text and JSON can be `search`"),
        ];
        for (flag, kinds, message) in needs {
            if column.has(flag) {
                rules.extend(kind_rule(&column.ty, &column.ty, kinds, message));
            }
        }
        if column.max.is_some() {
            let message = "only text, JSON and bytes have a `max`";
            rules.extend(kind_rule(&column.ty, &column.ty, &["Text", "Json", "Bytes"], message));
        }
    }
    let table = &declaration.table;
    for (name, message) in [
        (&table.owner, "`owner` must name a column of an id type"),
        (&table.location, "`location` must name a column of an id type"),
    ] {
        let named = name.as_ref().and_then(|name| {
            let column = declaration.columns.iter().find(|c| c.name == name.value())?;
            Some((name, column))
        });
        if let Some((name, column)) = named {
            rules.extend(kind_rule(name, &column.ty, &["Id"], message));
        }
    }
    rules
}

fn kind_rule(at: &impl ToTokens, ty: &syn::Type, kinds: &[&str], message: &str) -> TokenStream {
    let kinds = kinds.iter().map(|kind| format_ident!("{kind}"));
    quote_spanned! {at.span()=>
        ::core::assert!(
            ::core::matches!(
                <#ty as ::vivero_core::record::Field>::KIND,
                #(::vivero_core::record::Kind::#kinds)|*
            ),
            #message
        );
    }
}

fn identity(declaration: &Declaration) -> TokenStream {
    let id_type = &declaration.id_type;
    quote! {
        fn record_id(&self) -> ::vivero_core::Uuid {
            match <#id_type as ::vivero_core::record::Field>::into_value(
                ::core::clone::Clone::clone(&self.id),
            ) {
                ::vivero_core::Value::Id(id) => id,
                _ => ::vivero_core::Uuid::nil(),
            }
        }
        fn set_record_id(&mut self, id: ::vivero_core::Uuid) {
            if let ::core::option::Option::Some(id) =
                <#id_type as ::vivero_core::record::Field>::from_value(::vivero_core::Value::Id(id))
            {
                self.id = id;
            }
        }
    }
}

fn values(declaration: &Declaration) -> TokenStream {
    let id_type = &declaration.id_type;
    let count = declaration.columns.len();
    let idents: Vec<_> = declaration.columns.iter().map(|c| &c.ident).collect();
    let names = declaration.columns.iter().map(|c| &c.name);
    let types: Vec<_> = declaration.columns.iter().map(|c| &c.ty).collect();
    let slots: Vec<_> = (0..count).map(|i| format_ident!("value_{i}")).collect();
    quote! {
        fn into_values(self) -> ::std::vec::Vec<::vivero_core::Value> {
            ::std::vec![#(<#types as ::vivero_core::record::Field>::into_value(self.#idents)),*]
        }
        fn from_values(
            id: ::vivero_core::Uuid,
            values: ::std::vec::Vec<::vivero_core::Value>,
        ) -> ::core::result::Result<Self, &'static str> {
            let ::core::result::Result::Ok([#(#slots),*]) =
                <[::vivero_core::Value; #count] as ::core::convert::TryFrom<_>>::try_from(values)
            else {
                return ::core::result::Result::Err("id");
            };
            ::core::result::Result::Ok(Self {
                id: <#id_type as ::vivero_core::record::Field>::from_value(
                    ::vivero_core::Value::Id(id),
                )
                .ok_or("id")?,
                #(
                    #idents: <#types as ::vivero_core::record::Field>::from_value(#slots)
                        .ok_or(#names)?,
                )*
            })
        }
    }
}

/// The function that is given; else every text within its `max`; else the trait's own default.
fn validate(declaration: &Declaration) -> TokenStream {
    let body = if let Some(function) = &declaration.table.validate {
        quote!(#function(self, check);)
    } else {
        declaration.columns.iter().filter_map(text_rule).collect()
    };
    if body.is_empty() {
        return body;
    }
    quote! {
        fn validate(&self, check: &mut ::vivero_core::error::Check) {
            #body
        }
    }
}

fn text_rule(column: &Column) -> Option<TokenStream> {
    let Column { ident, name, .. } = column;
    let max = proc_macro2::Literal::u32_unsuffixed(column.max.unwrap_or(DEFAULT_MAX));
    Some(match column.text()? {
        Text::Always => quote!(check.text(#name, &self.#ident, 0, #max);),
        Text::Optional => quote! {
            if let ::core::option::Option::Some(text) = &self.#ident {
                check.text(#name, text, 0, #max);
            }
        },
    })
}
