//! Compression of larger answers, for those who ask. Always at the fastest level: what a slower one
//! saves on the wire it costs several times over in throughput. Event streams are never compressed,
//! since a compressor would hold events back.

use crate::reply::WORTH_COMPRESSING;
use poem::http::{HeaderValue, header};
use poem::web::{Compress, CompressionAlgo, CompressionLevel};
use poem::{IntoResponse as _, Request, Response};

/// How to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding(CompressionAlgo);

impl Coding {
    /// The coding the caller likes best; among equals the fastest.
    pub(super) fn wanted(request: &Request) -> Option<Self> {
        let accepted = request.headers().get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        Self::choose(accepted)
    }

    fn choose(accepted: &str) -> Option<Self> {
        let mut best: Option<(u16, u8, CompressionAlgo)> = None;
        for part in accepted.split(',') {
            let mut words = part.split(';').map(str::trim);
            let (rank, algorithm) = match words.next() {
                Some("zstd") => (3, CompressionAlgo::ZSTD),
                Some("br") => (2, CompressionAlgo::BR),
                Some("gzip") => (1, CompressionAlgo::GZIP),
                _ => continue,
            };
            let quality = words
                .find_map(|w| w.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok());
            let Some(quality) = quality.filter(|q| (0.0..=1.0).contains(q)) else { continue };
            let weight = match format!("{:.0}", quality * 1000.0).parse::<u16>() {
                Ok(weight) if weight > 0 => weight,
                _ => continue,
            };
            if best.is_none_or(|(w, r, _)| (weight, rank) > (w, r)) {
                best = Some((weight, rank, algorithm));
            }
        }
        best.map(|(_, _, algorithm)| Self(algorithm))
    }

    /// Compresses an answer that is worth it: one of known length, which streams are not.
    pub(super) fn apply(self, response: Response) -> Response {
        let length = response.header(header::CONTENT_LENGTH).and_then(|l| l.parse::<usize>().ok());
        // A range is one of the bytes that are stored.
        let coded = response.headers().contains_key(header::CONTENT_ENCODING)
            || response.headers().contains_key(header::ACCEPT_RANGES);
        if coded || length.is_none_or(|l| l < WORTH_COMPRESSING) {
            return response;
        }
        let fastest = CompressionLevel::Fastest;
        let mut response = Compress::new(response, self.0).with_quality(fastest).into_response();
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_coding_wins_and_zero_means_never() {
        let chosen = |text| Coding::choose(text).map(|c| c.0);
        assert_eq!(chosen("gzip, br, zstd"), Some(CompressionAlgo::ZSTD));
        assert_eq!(chosen("gzip;q=1.0, br;q=0.5"), Some(CompressionAlgo::GZIP));
        assert_eq!(chosen("gzip;q=0, identity"), None);
        assert_eq!(chosen("deflate, *"), None);
        assert_eq!(chosen("gzip;q=nonsense"), None);
    }
}
