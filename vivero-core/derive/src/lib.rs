//! `#[derive(Record)]`: from a plain struct to everything vivero does with a record.

mod expand;
mod names;
mod parse;

/// Implements `vivero_core::record::Record` for a struct with named fields.
///
/// The field `id` is the record's identity: an id type such as `EntityId`, or `RecordId<Self>`. Every
/// other field is a column; its type implements `vivero_core::record::Field`. A record has at most 60
/// columns, and none is called like those every record has: `version`, `created_at`, `created_by`,
/// `updated_at`, `updated_by`, `deleted_at`, `seq`, `search_text`. The struct is `Clone` and `Debug`,
/// without type parameters and lifetimes.
///
/// # On the struct
///
/// | `#[record(...)]` | Meaning |
/// |---|---|
/// | `table = "irrigation_runs"` | Table in each tenant's database; required. Lowercase letters, digits and `_`. |
/// | `resource = "irrigation"` | First half of its permissions and its name in the journal; required. |
/// | `location = "bed"` | The column that names the location, for the scope `location`; may be `id`. |
/// | `owner = "operator_id"` | The column that names the owner, for the scope `own`; may be `id`. Without it the creator owns the record. |
/// | `facets(bed, state)` | Filters with few values each that are asked for in every combination: together they have an index per sort, so a list that names any of them is as quick for a rare combination as for a common one. |
/// | `validate = path::to::function` | `fn(&Self, &mut Check)` that notes every broken rule before a write. Without it, every `String` and `Option<String>` is held to its `max`. |
///
/// # On a field
///
/// | `#[record(...)]` | Meaning |
/// |---|---|
/// | `filter` | Lists can be narrowed by it; it gets an index. |
/// | `lead` | As `filter`, and combined with every sort: for values that gather at one end of the sorts. |
/// | `sort` | Lists can be ordered by it; it gets an index. |
/// | `search` | Found by full-text search; text or JSON. |
/// | `unique` | No two records of the tenant share a value. |
/// | `count` | Counted per value for the dashboard. |
/// | `sum` | Summed for the dashboard; whole numbers. |
/// | `personal` | Personal data: part of a person's export, gone after erasure. |
/// | `secret` | Never leaves the database: redacted in the journal. Neither `search` nor `sort`, which would show its content and its order. |
/// | `command` | Changed by commands only, never by an update. |
/// | `max = 64` | Most characters (text) or bytes (JSON, bytes); 255 if not given. |
///
/// # Example
///
/// ```
/// use vivero_core::{LocationId, Record, RecordId, UserId, Value};
///
/// /// Water given to one bed.
/// #[derive(Debug, Clone, PartialEq, Record)]
/// #[record(table = "irrigation_runs", resource = "irrigation", location = "bed", owner = "operator")]
/// struct IrrigationRun {
///     id: RecordId<Self>,
///     #[record(filter, sort)]
///     bed: LocationId,
///     #[record(sum)]
///     litres: i64,
///     #[record(filter, personal)]
///     operator: UserId,
///     #[record(search, max = 500)]
///     remark: Option<String>,
/// }
///
/// let schema = IrrigationRun::SCHEMA;
/// assert_eq!(schema.permission("create"), "irrigation.create");
/// assert!(schema.column("bed").is_some_and(|bed| bed.filter && bed.sort));
///
/// let run = IrrigationRun {
///     id: RecordId::unset(),
///     bed: LocationId::from_uuid(vivero_core::Uuid::from_u128(1)),
///     litres: 400,
///     operator: UserId::from_uuid(vivero_core::Uuid::from_u128(2)),
///     remark: None,
/// };
/// let values = run.clone().into_values();
/// assert_eq!(values[1], Value::Int(400));
/// assert_eq!(IrrigationRun::from_values(run.record_id(), values), Ok(run));
/// ```
#[proc_macro_derive(Record, attributes(record))]
pub fn derive_record(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    match parse::declaration(input) {
        Ok(declaration) => expand::record(&declaration).into(),
        Err(mistakes) => mistakes.into_compile_error().into(),
    }
}
