//! Bedding and patio plants, raised from seed or cuttings for one season.

use super::{Group, Species, Start, species};

#[rustfmt::skip]
pub(super) const BEDDING: &[Species] = species! {
    Bedding Cutting Geraniaceae "Pelargonium zonale": "Americana Dark Red" red, "Americana Coral" coral, "Tango Neon" magenta, "Tango White" white;
    Bedding Cutting Geraniaceae "Pelargonium peltatum": "Ville de Paris" pink, "Decora Rouge" red, "Balcon Imperial" scarlet;
    Bedding Seed Geraniaceae "Pelargonium × hortorum": "Horizon Deep Red" red, "Maverick Appleblossom" pink;
    Bedding Cutting Solanaceae "Petunia": "Night Sky" violet, "Phantom" black, "Black Velvet" black, "Pretty Much Picasso" pink;
    Bedding Seed Solanaceae "Petunia × atkinsiana": "Frenzy Blue" blue, "Frenzy Mix" mixed, "Dreams Burgundy" crimson, "Dreams Red" red;
    Bedding Cutting Solanaceae "Calibrachoa": "Cherry Star" rose, "Lemon Slice" yellow, "Double Amethyst" purple;
    Bedding Seed Violaceae "Viola × wittrockiana": "Matrix Yellow" yellow, "Matrix Blue Blotch" blue, "Matrix Mix" mixed, "Delta Pure White" white;
    Bedding Seed Violaceae "Viola cornuta": "Sorbet Orange Duet" orange, "Sorbet Mix" mixed, "Sorbet Denim Jump Up" blue;
    Bedding Seed Primulaceae "Primula vulgaris": "Danova Mix" mixed, "Danova Yellow" yellow;
    Bedding Seed Primulaceae "Primula × polyantha": "Crescendo Bright Red" red, "Crescendo Mix" mixed;
    Bedding Seed Primulaceae "Cyclamen persicum": "Metis Scarlet" scarlet, "Metis White" white, "Super Serie Mix" mixed;
    Bedding Seed Asteraceae "Tagetes patula": "Durango Orange" orange, "Durango Yellow" yellow, "Bonanza Flame" red;
    Bedding Seed Asteraceae "Tagetes erecta": "Antigua Orange" orange, "Antigua Yellow" yellow;
    Bedding Seed Asteraceae "Zinnia elegans": "Dreamland Mix" mixed, "Dreamland Red" red;
    Bedding Seed Asteraceae "Gazania rigens": "Kiss Mix" mixed, "Daybreak Orange" orange;
    Bedding Seed Asteraceae "Jacobaea maritima": "Silver Dust" silver, "Cirrus" silver;
    Bedding Seed Asteraceae "Callistephus chinensis": "Milady Mix" mixed;
    Bedding Seed Asteraceae "Dahlia": "Figaro Mix" mixed;
    Bedding Seed Asteraceae "Helianthus annuus": "Sunsation Yellow" yellow, "Teddy Bear" yellow;
    Bedding Cutting Asteraceae "Osteospermum": "Serenity White" white, "Serenity Purple" purple;
    Bedding Cutting Asteraceae "Argyranthemum frutescens": "Madeira Crested Yellow" yellow, "Madeira White" white;
    Bedding Cutting Asteraceae "Bidens ferulifolia": "Goldeneye" yellow;
    Bedding Cutting Asteraceae "Chrysanthemum × morifolium": "Branroyal Purple" purple, "Branbeach Orange" orange, "Jasoda Yellow" yellow;
    Bedding Seed Begoniaceae "Begonia × semperflorens-cultorum": "Ambassador White" white, "Ambassador Mix" mixed, "Big Rose Bronze Leaf" rose;
    Bedding Seed Begoniaceae "Begonia × tuberhybrida": "Nonstop Orange" orange, "Nonstop Mix" mixed, "Illumination Apricot" apricot;
    Bedding Cutting Begoniaceae "Begonia boliviensis": "Bonfire" orange;
    Bedding Seed Balsaminaceae "Impatiens walleriana": "Accent Mix" mixed, "Beacon White" white;
    Bedding Cutting Balsaminaceae "Impatiens hawkeri": "Sonic Red" red, "Divine Mix" mixed;
    Bedding Seed Campanulaceae "Lobelia erinus": "Crystal Palace" blue, "Riviera Sky Blue" blue, "Cascade Mix" mixed;
    Bedding Seed Brassicaceae "Lobularia maritima": "Snow Crystals" white, "Easter Bonnet Deep Pink" pink;
    Bedding Seed Brassicaceae "Erysimum cheiri": "Blood Red" red, "Cloth of Gold" yellow;
    Bedding Seed Brassicaceae "Brassica oleracea": "Nagoya Rose" pink;
    Bedding Seed Plantaginaceae "Antirrhinum majus": "Snapshot Mix" mixed, "Snapshot Red" red, "Rocket Mix" mixed;
    Bedding Cutting Plantaginaceae "Chaenostoma cordatum": "Snowflake" white;
    Bedding Seed Lamiaceae "Salvia splendens": "Vista Red" red;
    Bedding Seed Lamiaceae "Salvia farinacea": "Victoria Blue" blue;
    Bedding Seed Lamiaceae "Ocimum basilicum": "Genovese" green;
    Bedding Cutting Lamiaceae "Plectranthus coleoides": "Variegatus" variegated;
    Bedding Seed Lamiaceae "Coleus scutellarioides": "Wizard Mix" mixed;
    Bedding Cutting Verbenaceae "Verbena": "Lanai Blush White" white, "Aztec Red" red;
    Bedding Seed Verbenaceae "Verbena × hybrida": "Quartz Mix" mixed;
    Bedding Cutting Verbenaceae "Lantana camara": "Bandana Rose" rose;
    Bedding Cutting Onagraceae "Fuchsia": "Swingtime" red, "Dollar Princess" purple, "Annabel" white;
    Bedding Seed Caryophyllaceae "Dianthus barbatus": "Barbarini Mix" mixed;
    Bedding Seed Apocynaceae "Catharanthus roseus": "Pacifica Mix" mixed;
    Bedding Seed Plantaginaceae "Nemesia strumosa": "Carnival Mix" mixed;
    Bedding Cutting Boraginaceae "Heliotropium arborescens": "Marine" violet;
    Bedding Seed Boraginaceae "Myosotis sylvatica": "Victoria Blue" blue, "Rosylva" pink;
    Bedding Seed Asteraceae "Bellis perennis": "Tasso Red" red, "Tasso Mix" mixed;
};
