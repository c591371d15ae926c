//! Which column holds which field.

use super::fold::{compact, snake};
use super::problem::ImportError;
use super::{Options, synonyms};
use serde::Serialize;
use vivero_core::text_enum;

text_enum! {
    /// A field of an entity that a column can hold.
    pub enum Field {
        /// The grower's own number; required.
        Code = "code",
        /// What it is; required.
        Name = "name",
        /// Kind of stock.
        Type = "type",
        /// Only looked at: imported stock is always `registered`.
        Status = "status",
        /// How far it has grown.
        Stage = "stage",
        /// Code of the place where it stands.
        Location = "location",
        /// Traceability code.
        BatchNumber = "batch_number",
        /// The supplier's own number for the lot.
        SupplierReference = "supplier_reference",
        /// How many; required.
        Quantity = "quantity",
        /// What one of the quantity is.
        Unit = "unit",
        /// Quality for sale.
        QualityGrade = "quality_grade",
        /// Day of sowing, sticking, grafting or arrival.
        StartedOn = "started_on",
        /// Day from which it can be sold.
        ReadyOn = "ready_on",
    }
}

const REQUIRED: [Field; 3] = [Field::Code, Field::Name, Field::Quantity];
const ATTRIBUTES: &str = "attributes.";

/// What becomes of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// It fills this field.
    Field(Field),
    /// It fills the attribute of this key.
    Attribute(String),
    /// Nothing.
    Ignored,
}

impl Target {
    /// The field, or the attribute as `attributes.key`.
    fn meaning(&self) -> String {
        match self {
            Self::Field(field) => field.to_string(),
            Self::Attribute(key) => format!("{ATTRIBUTES}{key}"),
            Self::Ignored => "nothing".to_owned(),
        }
    }
}

/// A column of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// Its header as the file spells it, trimmed; `column 7` if there is none.
    pub header: String,
    /// What becomes of it.
    pub target: Target,
}

/// Maps every header: first by `--map`, then by words that are clear, then by `attributes.`, then by
/// words that mean a field for lack of a better one; what is left becomes an attribute.
pub(super) fn map<'a>(
    headers: impl Iterator<Item = &'a str>,
    options: &Options,
) -> Result<Vec<MappedColumn>, ImportError> {
    let headers: Vec<String> = headers
        .enumerate()
        .map(|(index, header)| match header.trim() {
            "" => format!("column {}", index + 1),
            header => header.to_owned(),
        })
        .collect();
    let mut targets = given(&headers, options)?;
    let words: Vec<Vec<String>> = headers.iter().map(|header| words(header)).collect();

    let by_hand: Vec<Field> = targets.iter().flatten().filter_map(field).collect();
    for (target, words) in targets.iter_mut().zip(&words).filter(|(target, _)| target.is_none()) {
        let found = words.iter().find_map(|word| synonyms::clear(word));
        *target = found.filter(|found| !by_hand.contains(found)).map(Target::Field);
    }
    for (target, header) in targets.iter_mut().zip(&headers).filter(|(target, _)| target.is_none())
    {
        *target = attribute_name(header).map(|key| Target::Attribute(key.to_owned()));
    }
    for (field, synonyms) in synonyms::WEAK {
        for synonym in synonyms.split(' ') {
            if targets.contains(&Some(Target::Field(*field))) {
                break;
            }
            let free = |(target, words): (&Option<Target>, &Vec<String>)| {
                target.is_none() && words.iter().any(|word| word == synonym)
            };
            if let Some(target) =
                targets.iter().zip(&words).position(free).and_then(|index| targets.get_mut(index))
            {
                *target = Some(Target::Field(*field));
            }
        }
    }

    let columns: Vec<MappedColumn> = targets
        .into_iter()
        .zip(headers)
        .enumerate()
        .map(|(index, (target, header))| {
            let target = match target {
                Some(Target::Field(Field::Status)) | None if options.ignore_unknown => {
                    Target::Ignored
                }
                Some(target) => target,
                None => Target::Attribute(
                    Some(snake(&header))
                        .filter(|key| !key.is_empty())
                        .unwrap_or_else(|| format!("column_{}", index + 1)),
                ),
            };
            MappedColumn { header, target }
        })
        .collect();
    refuse_duplicates(&columns)?;
    refuse_missing(&columns)?;
    Ok(columns)
}

const fn field(target: &Target) -> Option<Field> {
    match target {
        Target::Field(field) => Some(*field),
        _ => None,
    }
}

/// A header compact, and without what stands in brackets behind it: `Menge (Stück)`.
fn words(header: &str) -> Vec<String> {
    let mut words = vec![compact(header)];
    if let Some((before, _)) = header.split_once(['(', '[']) {
        words.push(compact(before));
    }
    words.retain(|word| !word.is_empty());
    words
}

fn attribute_name(text: &str) -> Option<&str> {
    let (prefix, key) = text.split_at_checked(ATTRIBUTES.len())?;
    let key = key.trim();
    (prefix.eq_ignore_ascii_case(ATTRIBUTES) && !key.is_empty()).then_some(key)
}

/// The targets given by `--map`.
fn given(headers: &[String], options: &Options) -> Result<Vec<Option<Target>>, ImportError> {
    let mut targets: Vec<Option<Target>> = vec![None; headers.len()];
    for (name, wanted) in &options.map {
        let target = match attribute_name(name) {
            Some(key) => Target::Attribute(key.to_owned()),
            None => Target::Field(synonyms::clear(&compact(name)).ok_or_else(|| {
                ImportError::UnknownField { field: name.clone(), header: wanted.clone() }
            })?),
        };
        if targets.contains(&Some(target.clone())) {
            return Err(ImportError::MappedTwice { what: target.meaning() });
        }
        let index = find(headers, wanted, &target)?.ok_or_else(|| ImportError::UnknownHeader {
            field: name.clone(),
            header: wanted.clone(),
            headers: headers.to_vec(),
        })?;
        match targets.get_mut(index) {
            Some(free @ None) => *free = Some(target),
            _ => return Err(ImportError::MappedTwice { what: format!("the column {wanted:?}") }),
        }
    }
    Ok(targets)
}

/// The one column with this header: spelled so, or else so but for case, accents and punctuation.
fn find(headers: &[String], wanted: &str, target: &Target) -> Result<Option<usize>, ImportError> {
    let wanted = wanted.trim();
    let exact = |header: &str| header.to_lowercase() == wanted.to_lowercase();
    let folded = compact(wanted);
    let similar = |header: &str| !folded.is_empty() && compact(header) == folded;
    let rules: [&dyn Fn(&str) -> bool; 2] = [&exact, &similar];
    for rule in rules {
        let mut hits = headers.iter().enumerate().filter(|(_, header)| rule(header));
        if let Some((first, header)) = hits.next() {
            return match hits.next() {
                None => Ok(Some(first)),
                Some((second, other)) => Err(ImportError::DuplicateColumn {
                    meaning: target.meaning(),
                    first: (first + 1, header.clone()),
                    second: (second + 1, other.clone()),
                }),
            };
        }
    }
    Ok(None)
}

fn refuse_duplicates(columns: &[MappedColumn]) -> Result<(), ImportError> {
    for (second, column) in columns.iter().enumerate() {
        let same = |earlier: &&MappedColumn| earlier.target == column.target;
        let earlier = columns.iter().take(second).enumerate().find(|(_, earlier)| same(earlier));
        if let (Some((first, earlier)), true) = (earlier, column.target != Target::Ignored) {
            return Err(ImportError::DuplicateColumn {
                meaning: column.target.meaning(),
                first: (first + 1, earlier.header.clone()),
                second: (second + 1, column.header.clone()),
            });
        }
    }
    Ok(())
}

fn refuse_missing(columns: &[MappedColumn]) -> Result<(), ImportError> {
    let fields: Vec<Field> = REQUIRED
        .into_iter()
        .filter(|field| !columns.iter().any(|column| column.target == Target::Field(*field)))
        .collect();
    if fields.is_empty() {
        return Ok(());
    }
    let headers = columns.iter().map(|column| column.header.clone()).collect();
    Err(ImportError::MissingColumns { fields, headers })
}
