//! Which column holds what.

use super::super::{Field, Target};
use super::*;

#[track_caller]
fn targets(header: &str, options: &Options) -> Vec<String> {
    let reader = Reader::new(header.as_bytes(), options).unwrap();
    let name = |target: &Target| match target {
        Target::Field(field) => field.to_string(),
        Target::Attribute(key) => format!(".{key}"),
        Target::Ignored => "-".to_owned(),
    };
    reader.columns().iter().map(|column| name(&column.target)).collect()
}

#[track_caller]
fn plain(header: &str) -> Vec<String> {
    targets(header, &Options::default())
}

#[test]
fn growers_headers_are_known_in_five_languages() {
    let all = [
        "code",
        "name",
        "quantity",
        "unit",
        "location",
        "batch_number",
        "quality_grade",
        "started_on",
        "ready_on",
    ];
    let files = [
        "Article no.;Botanical name;Qty;UOM;Bed;Batch number;Grade;Sown on;Ready on",
        "Artikelnummer;Bezeichnung;Menge;Einheit;Standort;Charge;Güteklasse;Aussaat;Fertig ab",
        "N° d'article;Nom;Quantité;Unité;Emplacement;Lot;Qualité;Semé le;Prêt le",
        "Código;Nombre;Cantidad;Unidad;Ubicación;Lote;Calidad;Sembrado el;Disponible desde",
        "Artikelnummer;Naam;Aantal;Eenheid;Standplaats;Partij;Kwaliteit;Gezaaid op;Klaar op",
    ];
    for file in files {
        assert_eq!(plain(file), all, "{file}");
    }
}

#[test]
fn case_accents_spaces_and_brackets_do_not_matter() {
    for file in [
        "CODE,NAME,QUANTITY,BATCH_NUMBER",
        "code,name,Quantity (pcs),batch-number",
        " Code , Name ,Quantité,batchNumber",
    ] {
        assert_eq!(plain(file), ["code", "name", "quantity", "batch_number"], "{file}");
    }
}

#[test]
fn a_lot_is_the_code_only_for_lack_of_one() {
    assert_eq!(plain("Lot,Name,Qty"), ["code", "name", "quantity"]);
    assert_eq!(plain("Code,Lot,Name,Qty"), ["code", "batch_number", "name", "quantity"]);
    assert_eq!(plain("Nummer,Lot,Name,Qty"), ["code", "batch_number", "name", "quantity"]);
    assert_eq!(
        plain("Code,Charge,Lot,Name,Qty"),
        ["code", "batch_number", ".lot", "name", "quantity"]
    );
    assert_eq!(
        plain("Code,Nummer,Name,Bezeichnung,Qty"),
        ["code", ".nummer", "name", ".bezeichnung", "quantity"]
    );
}

#[test]
fn other_columns_become_attributes_or_nothing() {
    let header = "code,name,qty,Topf-Größe (cm),attributes.Height,,€";
    assert_eq!(
        plain(header),
        ["code", "name", "quantity", ".topf_grosse_cm", ".Height", ".column_6", ".column_7"]
    );
    let options = Options { ignore_unknown: true, ..Options::default() };
    assert_eq!(targets(header, &options), ["code", "name", "quantity", "-", ".Height", "-", "-"]);
}

#[test]
fn a_mapping_goes_before_everything() {
    let header = "Code,EAN,Name,Deutscher Name,Menge,Bestellt,Farbe";
    let options =
        mapped(&[("code", "ean"), ("NAME", "deutscher name"), ("attributes.colour", "farbe")]);
    assert_eq!(
        targets(header, &options),
        [".code", "code", ".name", "name", "quantity", ".bestellt", ".colour"]
    );
    assert_eq!(
        targets("Stück,Menge,C,N", &mapped(&[("quantity", "stuck"), ("code", "c"), ("name", "n")])),
        ["quantity", ".menge", "code", "name"]
    );
}

#[test]
fn a_mapping_that_fits_nothing_says_what_there_is() {
    let header = "Code,Name,Menge\n";
    assert_eq!(
        refused_with(header, &mapped(&[("quantity", "Anzahl")])),
        "--map quantity=Anzahl: there is no column \"Anzahl\"; the columns are: Code, Name, Menge"
    );
    let message = refused_with(header, &mapped(&[("colour", "Menge")]));
    assert!(
        message.starts_with(
            "--map colour=Menge: there is no field \"colour\"; the fields are: code, name,"
        ),
        "{message}"
    );
    assert_eq!(
        refused_with(header, &mapped(&[("code", "Code"), ("code", "Name")])),
        "code is mapped twice by --map"
    );
    assert_eq!(
        refused_with(header, &mapped(&[("code", "Code"), ("name", "code")])),
        "the column \"code\" is mapped twice by --map"
    );
}

#[test]
fn two_columns_of_one_meaning_are_refused_and_both_named() {
    assert_eq!(
        refused("code,Menge,name,Anzahl\n"),
        "columns 2 \"Menge\" and 4 \"Anzahl\" both mean quantity; choose with --map quantity=HEADER"
    );
    assert_eq!(
        refused("code,name,qty,Farbe,farbe\n"),
        "columns 4 \"Farbe\" and 5 \"farbe\" both mean attributes.farbe; rename one of them"
    );
    assert_eq!(
        refused("code,name,qty,Name\n"),
        "columns 2 \"name\" and 4 \"Name\" both mean name; rename one of them"
    );
    let same = mapped(&[("attributes.x", "note")]);
    assert_eq!(
        refused_with("code,name,qty,Note,note\n", &same),
        "columns 4 \"Note\" and 5 \"note\" both mean attributes.x; rename one of them"
    );
    let chosen = mapped(&[("quantity", "Anzahl")]);
    assert_eq!(targets("code,Menge,name,Anzahl", &chosen), ["code", ".menge", "name", "quantity"]);
}

#[test]
fn required_columns_that_are_missing_are_named_with_those_there_are() {
    assert_eq!(
        refused("Code;Farbe\nA;rot\n"),
        "no column for name, quantity; the columns are: Code, Farbe; name one with --map name=HEADER"
    );
    assert_eq!(Field::NAMES.len(), 13);
}
