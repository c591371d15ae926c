//! Bulbs, corms and tubers.

use super::{Group, Species, Start, species};

pub(super) const BULBS: &[Species] = species! {
    Bulb Bulb Liliaceae "Tulipa": "Apeldoorn" red, "Queen of Night" purple, "Golden Apeldoorn" yellow, "Purissima" white, "Red Riding Hood" red, "Abba" red, "Spring Green" green, "Strong Gold" yellow;
    Bulb Bulb Liliaceae "Tulipa tarda": "" yellow;
    Bulb Bulb Amaryllidaceae "Narcissus": "Tête-à-tête" yellow, "Carlton" yellow, "Dutch Master" yellow, "Jetfire" orange, "Thalia" white, "Minnow" cream, "Ice Follies" white;
    Bulb Bulb Amaryllidaceae "Narcissus poeticus var. recurvus": "" white;
    Bulb Bulb Amaryllidaceae "Allium": "Purple Sensation" purple, "Globemaster" violet, "Mount Everest" white, "Gladiator" lilac;
    Bulb Bulb Amaryllidaceae "Allium cristophii": "" violet;
    Bulb Bulb Amaryllidaceae "Allium sphaerocephalon": "" crimson;
    Bulb Bulb Amaryllidaceae "Galanthus nivalis": "" white, "Flore Pleno" white;
    Bulb Bulb Amaryllidaceae "Hippeastrum": "Red Lion" red, "Apple Blossom" pink;
    Bulb Bulb Asparagaceae "Hyacinthus orientalis": "Delft Blue" blue, "Carnegie" white, "Pink Pearl" pink, "Jan Bos" red;
    Bulb Bulb Asparagaceae "Muscari armeniacum": "" blue, "Valerie Finnis" blue;
    Bulb Bulb Asparagaceae "Muscari botryoides": "Album" white;
    Bulb Bulb Asparagaceae "Scilla siberica": "" blue;
    Bulb Bulb Asparagaceae "Scilla forbesii": "Pink Giant" pink;
    Bulb Bulb Asparagaceae "Camassia leichtlinii": "Alba" white, "Caerulea" blue;
    Bulb Bulb Asparagaceae "Eucomis comosa": "Sparkling Burgundy" purple;
    Bulb Bulb Iridaceae "Crocus": "Pickwick" lilac, "Jeanne d'Arc" white, "Flower Record" purple, "Golden Yellow" yellow;
    Bulb Bulb Iridaceae "Crocus tommasinianus": "Ruby Giant" purple, "Barr's Purple" purple;
    Bulb Bulb Iridaceae "Iris reticulata": "Harmony" blue, "Pixie" violet;
    Bulb Bulb Iridaceae "Iris": "Katharine Hodgkin" blue;
    Bulb Bulb Iridaceae "Gladiolus": "Plum Tart" purple, "Green Star" lime, "White Prosperity" white;
    Bulb Bulb Iridaceae "Crocosmia": "Lucifer" red, "Emily McKenzie" orange;
    Bulb Bulb Iridaceae "Freesia": "Single Mixed" mixed;
    Bulb Bulb Liliaceae "Lilium": "Stargazer" pink, "Casa Blanca" white, "Enchantment" orange, "Tiny Bee" yellow;
    Bulb Bulb Liliaceae "Lilium regale": "" white;
    Bulb Bulb Liliaceae "Fritillaria meleagris": "" purple;
    Bulb Bulb Liliaceae "Fritillaria imperialis": "Rubra Maxima" orange, "Lutea Maxima" yellow;
    Bulb Bulb Ranunculaceae "Anemone blanda": "Blue Shades" blue, "White Splendour" white;
    Bulb Bulb Ranunculaceae "Anemone coronaria": "De Caen" mixed;
    Bulb Bulb Ranunculaceae "Eranthis hyemalis": "" yellow;
    Bulb Bulb Ranunculaceae "Ranunculus asiaticus": "Aviv Mix" mixed;
    Bulb Bulb Asteraceae "Dahlia": "Bishop of Llandaff" red, "Café au Lait" cream, "Thomas A. Edison" purple, "Jescot Julie" orange;
    Bulb Bulb Araceae "Zantedeschia aethiopica": "Crowborough" white;
    Bulb Bulb Cannaceae "Canna": "Durban" orange, "Wyoming" orange;
    Bulb Bulb Colchicaceae "Colchicum": "The Giant" lilac, "Waterlily" pink;
    Bulb Bulb Begoniaceae "Begonia": "Picotee Lace Apricot" apricot;
};
