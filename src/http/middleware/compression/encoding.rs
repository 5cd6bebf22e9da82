//! The content coding of a response, chosen by `Accept-Encoding` (RFC 9110, section 12.5.3).
//!
//! A request that accepts no coding at all, not even `identity`, gets a response without coding. The RFC allows this, and
//! `Accept-Encoding` must never change whether an operation runs or which status its response has.

use std::io::{self, Write};

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http::graphql::media::quality;

/// The levels at which a static file is compressed. This happens once, so they are higher than for other responses.
const GZIP_LEVEL: u32 = 6;
const BROTLI_LEVEL: i32 = 6;

/// The window of Brotli, as a power of two; the largest that every decoder must support is 24.
const BROTLI_WINDOW: i32 = 22;

/// A content coding that responses can have.
///
/// There is no zstd: some clients announce it and then cannot decode it, and the others accept Brotli or gzip as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Encoding {
    /// `br`
    Brotli,
    /// `gzip`
    Gzip,
}

impl Encoding {
    /// The name in `Content-Encoding`.
    pub(in crate::http) fn name(self) -> &'static str {
        match self {
            Encoding::Brotli => "br",
            Encoding::Gzip => "gzip",
        }
    }

    /// The coding with the highest weight, Brotli if both weigh the same. None if the client accepts neither, or
    /// prefers `identity`.
    pub(in crate::http) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let accepted: Vec<_> = values.flat_map(|value| value.split(',')).map(coding).collect();
        let weight = |name: &str| accepted.iter().find(|(coding, _)| coding == name).map(|(_, weight)| *weight);
        let any = weight("*").unwrap_or(0);
        let brotli = weight("br").unwrap_or(any);
        let gzip = weight("gzip").or_else(|| weight("x-gzip")).unwrap_or(any);
        let best = if brotli >= gzip { Encoding::Brotli } else { Encoding::Gzip };
        let is_worthwhile = brotli.max(gzip) > 0 && brotli.max(gzip) >= weight("identity").unwrap_or(0);
        is_worthwhile.then_some(best)
    }

    /// The whole content in this coding.
    pub(in crate::http) fn compress(self, content: &[u8]) -> io::Result<Bytes> {
        match self {
            Encoding::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_LEVEL,
                    lgwin: BROTLI_WINDOW,
                    ..Default::default()
                };
                let mut compressed = Vec::new();
                brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
                Ok(compressed.into())
            }
            Encoding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
                encoder.write_all(content)?;
                Ok(encoder.finish()?.into())
            }
        }
    }
}

/// One element of `Accept-Encoding`: the coding in lower case, and its weight in thousandths.
fn coding(element: &str) -> (String, u16) {
    let (name, parameter) = element.split_once(';').unwrap_or((element, "q=1"));
    let weight = parameter.trim().to_ascii_lowercase().strip_prefix("q=").map_or(0, quality);
    (name.trim().to_ascii_lowercase(), weight)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::Encoding::{Brotli, Gzip};
    use super::*;

    #[test]
    fn the_coding_with_the_highest_weight_is_preferred() {
        for (accepted, preferred) in [
            ("", None),
            ("identity", None),
            ("gzip", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("GZIP;Q=0.5", Some(Gzip)),
            ("br", Some(Brotli)),
            ("gzip, deflate, br, zstd", Some(Brotli)),
            ("zstd, gzip", Some(Gzip)),
            ("zstd", None),
            ("br;q=0.5, gzip", Some(Gzip)),
            ("br;q=0, *", Some(Gzip)),
            ("*", Some(Brotli)),
            ("*;q=0", None),
            ("*;q=0, gzip", Some(Gzip)),
            ("identity;q=0", None),
            ("identity;q=0, gzip;q=0.1", Some(Gzip)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some(Gzip)),
            ("gzip;q=nonsense, br;x=1", None),
            (",, gzip ,", Some(Gzip)),
        ] {
            let headers = [(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))].into_iter().collect();
            assert_eq!(Encoding::preferred(&headers), preferred, "{accepted:?}");
        }
        assert_eq!(Encoding::preferred(&HeaderMap::new()), None);
    }
}
