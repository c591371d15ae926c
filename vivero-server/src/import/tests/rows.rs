//! What becomes of the cells.

use super::*;
use chrono::NaiveDate;
use serde_json::json;
use vivero_core::entity::{EntityType, Grade, NewEntity, Stage, Unit};

#[test]
fn every_field_is_filled() {
    let file = "Code,Name,Type,Status,Stage,Location,Batch number,Supplier reference,Quantity,Unit,Quality grade,Started on,Ready on,attributes.Pot size,Colour\n\
        LAV-1, Lavandula angustifolia ,plug,Registered,growing on,GH1-B07,C-77,S 9,\"1,250.00\",trays,1st,2026-03-01,01/06/2026,P9, blue \n";
    let rows = read(file).good();
    let expected = NewEntity {
        kind: EntityType::YoungPlant,
        stage: Stage::GrowingOn,
        batch_number: Some("C-77".into()),
        supplier_reference: Some("S 9".into()),
        unit: Unit::Tray,
        quality_grade: Grade::First,
        attributes: json!({"Pot size": "P9", "colour": "blue"}),
        started_on: NaiveDate::from_ymd_opt(2026, 3, 1),
        ready_on: NaiveDate::from_ymd_opt(2026, 6, 1),
        ..NewEntity::new("LAV-1", "Lavandula angustifolia", EntityType::YoungPlant, 1250)
    };
    let expected = ImportRow { line: 2, location_code: Some("GH1-B07".into()), entity: expected };
    assert_eq!(rows, [expected]);
}

#[test]
fn empty_cells_and_absent_columns_mean_the_defaults() {
    let plain = NewEntity::new("A", "Acer", EntityType::ContainerPlant, 5);
    let absent = read("code;name;quantity\nA;Acer;5\n").good();
    let empty = read("code;name;quantity;type;stage;unit;grade;location;batch;sown on;ready on;x\nA;Acer;5;;; ;;;;;;\n").good();
    for rows in [absent, empty] {
        assert_eq!(rows, [ImportRow { line: 2, location_code: None, entity: plain.clone() }]);
    }
}

#[test]
fn everything_wrong_with_a_row_is_reported_at_once() {
    let file = "Nummer;Bezeichnung;Menge;Typ;Aussaat;Fertig ab\n\
        ;Acer;12,5;Baum;46082;2026-02-30\n\
        B;Betula;10;Container;2026-05-01;2026-04-01\n\
        C;Carpinus;-1;;;\n\
        D;Dahlia;1000000001;;;\n";
    let outcome = read(file);
    assert!(outcome.rows.is_empty());
    assert_eq!(
        outcome.reports(),
        [
            "line 2, column Nummer: required: must not be empty",
            "line 2, column Menge: whole_number: must be a whole number, got \"12,5\"",
            "line 2, column Typ: one_of: must be one of seed, cutting, graft, young_plant, container_plant, field_stock, bulb, bought_in, got \"Baum\"",
            "line 2, column Aussaat: date: must be a date like 2026-03-01 or 01/03/2026; this looks like Excel's day count: give the column a date format before saving as CSV, got \"46082\"",
            "line 2, column Fertig ab: date: must be a day that exists, got \"2026-02-30\"",
            "line 3, column Fertig ab: not_before_started_on: must not be before started_on",
            "line 4, column Menge: minimum: must be at least 0",
            "line 5, column Menge: maximum: must be at most 1000000000",
        ]
    );
}

#[test]
fn the_rules_of_the_core_hold_and_name_the_column_of_the_file() {
    let long = "x".repeat(201);
    let file = format!(
        "Artikelnr,Naam,Aantal,Charge,Note\n{long},{long},1,{long},\nB,Betula,1,,{}\n",
        "y".repeat(16_400)
    );
    let outcome = read(file);
    assert_eq!(
        outcome.reports(),
        [
            "line 2, column Artikelnr: max_length: must have at most 64 characters",
            "line 2, column Naam: max_length: must have at most 200 characters",
            "line 2, column Charge: max_length: must have at most 64 characters",
            "line 3: max_bytes: attributes must be at most 16384 bytes of JSON",
        ]
    );
}

#[test]
fn a_code_is_taken_once_and_the_first_line_is_named() {
    let file = "code,name,qty\nA,Acer,1\nB,Betula,1\n\" A \",Abies,1\nB,Buxus,x\na,Alnus,1\nB,Berberis,1\n";
    let outcome = read(file);
    assert_eq!(outcome.lines(), [2, 3, 6]);
    assert_eq!(
        outcome.reports(),
        [
            "line 4, column code: duplicate: \"A\" is already the code of line 2",
            "line 5, column qty: whole_number: must be a whole number, got \"x\"",
            "line 5, column code: duplicate: \"B\" is already the code of line 3",
            "line 7, column code: duplicate: \"B\" is already the code of line 3",
        ]
    );
}

#[test]
fn a_status_is_a_warning_once() {
    let file = "code,name,qty,Status\nA,Acer,1,\nB,Betula,1,REGISTERED\nC,Carpinus,1,ready\nD,Dahlia,1,archived\n";
    let outcome = read(file);
    assert_eq!(outcome.rows.len(), 4);
    let warnings: Vec<_> = outcome.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "line 4, column Status: status: is always registered on import; this column is not taken over, got \"ready\""
        ]
    );
    assert!(outcome.rows.iter().all(|row| row.entity.attributes == json!({})));

    let outcome = read_with(file, &Options { ignore_unknown: true, ..Options::default() });
    assert!(outcome.warnings.is_empty());
    assert_eq!(outcome.rows.len(), 4);
}

#[test]
fn the_semicolon_makes_the_comma_the_decimal_mark() {
    let outcome =
        read("code;name;qty\nA;Acer;1.250\nB;Betula;12,0\nC;Carpinus;1 250\nD;Dahlia;1,250\n");
    assert_eq!(outcome.quantities(), [1250, 12, 1250]);
    assert_eq!(
        outcome.reports(),
        [
            "line 5, column qty: whole_number: must be a whole number, got \"1,250\" (',' was read as the decimal mark; --decimal-comma false reads it as separating thousands)",
        ]
    );
}

#[test]
fn other_files_are_read_as_most_of_their_numbers_are_written() {
    let english = read("code,name,qty,price\nA,Acer,\"1,250\",3.50\nB,Betula,12.000,2\n");
    assert_eq!(english.quantities(), [1250, 12]);
    let german = read("code\tname\tqty\tpreis\nA\tAcer\t1.250\t2\nB\tBetula\t12.000\t3,50\n");
    assert_eq!(german.quantities(), [1250, 12_000]);
    let silent = read("code\tname\tqty\nA\tAcer\t1,250\n");
    assert_eq!(silent.quantities(), [1250]);
    let beds = read("code\tname\tqty\tbed\nA\tAcer\t1,250\t1,2\n");
    assert_eq!(beds.quantities(), [1250], "a bed is no number");
}

#[test]
fn the_reading_of_numbers_can_be_forced() {
    let force = |comma| Options { decimal_comma: Some(comma), ..Options::default() };
    let file = "code;name;qty\nA;Acer;1,250\n";
    assert_eq!(read_with(file, &force(false)).quantities(), [1250]);
    let file = "code,name,qty\nA,Acer,12.000\n";
    assert_eq!(read_with(file, &force(true)).quantities(), [12_000]);
    assert_eq!(read_with(file, &force(false)).quantities(), [12]);
}

#[test]
fn numbers_beyond_the_first_part_are_read_by_its_decision() {
    let mut file = String::from("code,name,qty,note\n");
    while file.len() < 200_000 {
        file += &format!("C{},Acer,1,\n", file.len());
    }
    file += "LAST,Acer,12.000,\"3,50\"\n";
    assert_eq!(read(file).quantities().last(), Some(&12));
}

#[test]
fn a_problem_is_short_and_can_be_serialised() {
    let file = format!("code,name,qty\nA,Acer,{}\n", "ä".repeat(5000));
    let outcome = read(file);
    assert_eq!(
        serde_json::to_value(&outcome.problems).unwrap(),
        json!([{
            "line": 2,
            "column": "qty",
            "rule": "whole_number",
            "message": format!("must be a whole number, got \"{}\"…", "ä".repeat(40)),
        }])
    );
}
