//! Words for type, stage, unit and grade.

use super::fold::compact;
use std::str::FromStr;
use vivero_core::entity::{EntityType, Grade, Stage, Unit};
use vivero_core::record::Field;

/// A set of words, each with other words for it; those are compact, see [`compact`], with a space
/// between them.
pub(super) trait Choice: Field + FromStr + Copy + 'static {
    /// The other words.
    const SYNONYMS: &'static [(Self, &'static str)];
}

/// The value that a cell means: its canonical word, in any case and with spaces or hyphens for
/// underscores, or another word for it. The error lists the canonical words.
pub(super) fn choose<T: Choice>(text: &str) -> Result<T, String> {
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    // A plus is not decoration: A+ is another grade than A.
    let word = if text.contains('+') { String::new() } else { compact(text) };
    let canonical = |name: &str| name.bytes().filter(|b| *b != b'_').eq(word.bytes());
    let known = |(_, words): &&(T, &str)| words.split(' ').any(|known| known == word);
    T::DOMAIN
        .iter()
        .find(|name| canonical(name))
        .and_then(|name| name.parse().ok())
        .or_else(|| T::SYNONYMS.iter().find(known).map(|(value, _)| *value))
        .ok_or_else(|| format!("must be one of {}", T::DOMAIN.join(", ")))
}

impl Choice for EntityType {
    const SYNONYMS: &'static [(Self, &'static str)] = &[
        (Self::Seed, "seeds saatgut samen graine graines semilla semillas zaad"),
        (
            Self::Cutting,
            "cuttings steckling stecklinge bouture boutures esqueje esquejes stek stekken",
        ),
        (Self::Graft, "grafts grafted veredelung veredlung greffe greffon injerto ent"),
        (
            Self::YoungPlant,
            "youngplants plug plugs plugplant plugplants liner liners jungpflanze \
             jungpflanzen jeuneplant jeunesplants plantajoven jongeplant jongplantgoed",
        ),
        (
            Self::ContainerPlant,
            "containerplants container containers containergrown pot potted pottedplant \
             containerpflanze containerpflanzen topf topfpflanze conteneur contenedor \
             maceta potplant containerplanten",
        ),
        (
            Self::FieldStock,
            "field fieldgrown bareroot barerooted openground freiland freilandware \
             wurzelnackt pleineterre racinesnues raiznuda campo vollegrond blotewortel",
        ),
        (
            Self::Bulb,
            "bulbs corm corms tuber tubers zwiebel zwiebeln knolle knollen bulbe bulbes \
             bulbo bulbos bol bollen",
        ),
        (
            Self::BoughtIn,
            "bought purchased resale zukauf handelsware achete negoce comprado aankoop \
             ingekocht",
        ),
    ];
}

impl Choice for Stage {
    const SYNONYMS: &'static [(Self, &'static str)] = &[
        (Self::Propagation, "propagating vermehrung multiplication propagacion vermeerdering"),
        (Self::Rooting, "bewurzelung enracinement enraizamiento beworteling"),
        (Self::GrowingOn, "growing weiterkultur kultur croissance crecimiento opkweek"),
        (
            Self::Hardening,
            "hardeningoff abhartung abhaertung endurcissement endurecimiento afharden",
        ),
        (
            Self::Finished,
            "finish ready saleable fertig verkaufsfertig fini terminado gereed verkoopklaar",
        ),
    ];
}

impl Choice for Unit {
    const SYNONYMS: &'static [(Self, &'static str)] = &[
        (Self::Plant, "plants pflanze pflanzen plante plantes planta plantas planten"),
        (Self::Tray, "trays platte platten plateau plateaux bandeja bandejas"),
        (Self::Bundle, "bundles bunch bunches bund bunde botte bottes manojo manojos bos bossen"),
        (
            Self::Piece,
            "pieces pc pcs ea each stuck stueck stk st pieza piezas unidad unidades stuk \
             stuks",
        ),
        (Self::Gram, "grams g gr gramm gramme grammes gramo gramos"),
    ];
}

impl Choice for Grade {
    const SYNONYMS: &'static [(Self, &'static str)] = &[
        (Self::Extra, "extraclass classextra klasseextra"),
        (
            Self::First,
            "a 1 1st i gradea grade1 class1 classi klasse1 klassei qualitya erste \
             erstequalitat premier premiere primera eerste",
        ),
        (
            Self::Second,
            "b 2 2nd ii gradeb grade2 class2 classii klasse2 klasseii qualityb zweite \
             zweitequalitat deuxieme second segunda tweede",
        ),
        (Self::Ungraded, "none notgraded unsortiert nontrie sinclasificar ongesorteerd"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_words_are_read_in_any_dress() {
        for text in ["container_plant", "Container Plant", "CONTAINER-PLANT", " container plant"] {
            assert_eq!(choose(text), Ok(EntityType::ContainerPlant), "{text:?}");
        }
        for kind in EntityType::ALL {
            assert_eq!(choose(&kind.as_str().replace('_', " ").to_uppercase()), Ok(*kind));
        }
    }

    #[test]
    fn growers_words_are_read() {
        assert_eq!(choose("Container"), Ok(EntityType::ContainerPlant));
        assert_eq!(choose("plug"), Ok(EntityType::YoungPlant));
        assert_eq!(choose("Liners"), Ok(EntityType::YoungPlant));
        assert_eq!(choose("bare root"), Ok(EntityType::FieldStock));
        assert_eq!(choose("Hardening-off"), Ok(Stage::Hardening));
        assert_eq!(choose("Stück"), Ok(Unit::Piece));
        assert_eq!(choose("Stk."), Ok(Unit::Piece));
        for text in ["A", "1st", "I", "1.", "Grade A"] {
            assert_eq!(choose(text), Ok(Grade::First), "{text:?}");
        }
        assert_eq!(choose("b"), Ok(Grade::Second));
    }

    #[test]
    fn other_words_are_refused_with_the_words_that_are_known() {
        let refusal = choose::<Grade>("A+").err();
        assert_eq!(refusal.as_deref(), Some("must be one of extra, first, second, ungraded"));
        for text in ["", "-", "C", "firs"] {
            assert!(choose::<Grade>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        fn check<T: Choice + std::fmt::Debug>() {
            let mut seen = std::collections::HashSet::new();
            for word in T::SYNONYMS.iter().flat_map(|(_, words)| words.split(' ')) {
                assert!(seen.insert(word), "{word}");
                assert_eq!(compact(word), word);
            }
        }
        check::<EntityType>();
        check::<Stage>();
        check::<Unit>();
        check::<Grade>();
    }
}
