//! What growers call the fields, in English, German, French, Spanish and Dutch.
//!
//! All words are compact, see [`super::fold::compact`], with a space between them.

use super::header::Field;

/// Words that mean one field and nothing else.
pub(super) const CLEAR: &[(Field, &str)] = &[
    (
        Field::Code,
        "code entitycode articleno articlenr articlenumber articlecode itemno itemnr \
         itemnumber itemcode plantcode plantnumber stockcode stocknumber productcode sku \
         artikelnummer artikelnr artikelno artikelcode artnr pflanzennummer pflanzennr \
         numerodarticle numeroarticle narticle ndarticle nodarticle codearticle refarticle \
         referencearticle codigo codigoarticulo codigodearticulo numerodearticulo narticulo \
         ndearticulo plantnummer",
    ),
    (
        Field::Name,
        "name plantname botanicalname scientificname latinname taxon pflanzenname \
         botanischername botanischebezeichnung wissenschaftlichername lateinischername nom \
         nombotanique nomscientifique nomlatin nombre nombrebotanico nombrecientifico \
         nombrelatino naam plantnaam plantennaam botanischenaam wetenschappelijkenaam \
         latijnsenaam",
    ),
    (
        Field::Type,
        "type kind entitytype stocktype planttype typ pflanzentyp pflanzenart typedeplante \
         tipo tipodeplanta soortplant",
    ),
    (Field::Status, "status statut estado"),
    (
        Field::Stage,
        "stage growthstage stadium wachstumsstadium entwicklungsstadium kulturstadium \
         wachstumsphase kulturphase stade stadedecroissance etapa fase fasedecrecimiento \
         etapadecrecimiento groeistadium groeifase",
    ),
    (
        Field::Location,
        "location locationcode bed bedcode standort standplatz stellplatz beet quartier \
         emplacement localisation parcelle planche ubicacion localizacion bancal parcela \
         locatie standplaats",
    ),
    (
        Field::BatchNumber,
        "batchnumber batchno batchnr batchcode batch traceabilitycode charge chargennummer \
         chargennr chargenummer chargenr chargencode codedetracabilite codigodetrazabilidad \
         traceringscode",
    ),
    (
        Field::SupplierReference,
        "supplierreference supplierref supplierlot supplierbatch suppliernumber supplierno \
         suppliercode vendorreference vendorref lieferantenreferenz lieferantennummer \
         lieferantennr lieferantencharge lieferantenartikelnummer referencefournisseur \
         referencedufournisseur reffournisseur lotfournisseur referenciaproveedor \
         referenciadelproveedor refproveedor loteproveedor leveranciersreferentie \
         leveranciersnummer leveranciernummer leverancierspartij",
    ),
    (
        Field::Quantity,
        "quantity qty quantityonhand qtyonhand menge anzahl stuckzahl stueckzahl bestand \
         quantite qte cantidad cant aantal hoeveelheid",
    ),
    (
        Field::Unit,
        "unit uom unitofmeasure einheit mengeneinheit unite unidad unidaddemedida eenheid",
    ),
    (
        Field::QualityGrade,
        "qualitygrade grade quality qualitat qualitaet qualitatsklasse qualitaetsklasse \
         qualitatsstufe qualitaetsstufe guteklasse gueteklasse handelsklasse qualite \
         calidad kwaliteit kwaliteitsklasse",
    ),
    (
        Field::StartedOn,
        "startedon started startdate sownon sowndate sowingdate sown dateofsowing \
         dateofstart aussaat aussaatdatum ausgesatam ausgesaetam gesatam gesaetam \
         startdatum kulturbeginn semele semis datedesemis datedebut datededebut sembradoel \
         siembra fechadesiembra fechasiembra fechainicio fechadeinicio gezaaidop zaaidatum \
         gestartop",
    ),
    (
        Field::ReadyOn,
        "readyon readyfrom readydate ready availablefrom availableon saleablefrom fertigam \
         fertigab bereitam verkaufsbereitab lieferbarab verfugbarab verfuegbarab pretle \
         disponiblele disponibleapartirdu datededisponibilite listoel disponibleel \
         disponibledesde fechadisponible fechadedisponibilidad klaarop gereedop \
         leverbaarvanaf beschikbaarvanaf",
    ),
];

/// Words that mean a field only when no clear word names it; the first field that is still without
/// a column gets the word's column.
pub(super) const WEAK: &[(Field, &str)] = &[
    (
        Field::Code,
        "number no nr num n nummer numero reference referencia ref lot lotnumber lotno \
         lotnr lote numerodelot nlot ndelot numerodelote nlote ndelote partie partienummer \
         partij partijnummer id",
    ),
    (
        Field::Name,
        "bezeichnung artikelbezeichnung beschreibung description designation denominacion \
         descripcion benaming omschrijving artikelomschrijving species espece especie soort \
         plant pflanze plante planta variety sorte variete variedad",
    ),
    (Field::Type, "category kategorie categorie categoria"),
    (Field::Stage, "phase"),
    (
        Field::Location,
        "place position plot field greenhouse site zone platz ort feld gewachshaus \
         gewaechshaus haus lieu serre lugar invernadero plaats vak kas",
    ),
    (
        Field::BatchNumber,
        "lot lotnumber lotno lotnr lote numerodelot nlot ndelot numerodelote nlote ndelote \
         los partie partienummer partij partijnummer",
    ),
    (
        Field::Quantity,
        "count amount stock onhand pieces pcs plants stuck stueck stk pflanzen effectif \
         unidades existencias stuks voorraad",
    ),
    (Field::QualityGrade, "class klasse classe clase"),
    (
        Field::StartedOn,
        "pottedon pottingdate plantedon plantingdate stuckon graftedon arrivedon \
         arrivaldate getopftam topfdatum gepflanztam pflanzdatum datederempotage \
         datedeplantation fechadeplantacion oppotdatum plantdatum",
    ),
];

/// The field that a compact word clearly means.
pub(super) fn clear(word: &str) -> Option<Field> {
    CLEAR
        .iter()
        .find(|(_, words)| words.split(' ').any(|known| known == word))
        .map(|(field, _)| *field)
}

#[cfg(test)]
mod tests {
    use super::super::fold::compact;
    use super::*;

    #[test]
    fn no_clear_word_means_two_fields_and_all_are_compact() {
        let mut seen = std::collections::HashMap::new();
        for (field, words) in CLEAR {
            for word in words.split(' ') {
                assert_eq!(seen.insert(word, *field), None, "{word}");
                assert_eq!(compact(word), word);
            }
        }
        for (field, words) in WEAK {
            for word in words.split(' ') {
                assert_eq!(seen.get(word), None, "{word} is both clear and weak for {field}");
                assert_eq!(compact(word), word);
            }
        }
    }

    #[test]
    fn every_field_is_known_by_its_own_name() {
        for field in Field::ALL {
            assert_eq!(clear(&compact(field.as_str())), Some(*field));
        }
    }
}
