//! Media types: the one of a response, and whether a request body is JSON.

use std::cmp::Reverse;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::settings::Profile;

/// The two media types of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Media {
    /// `application/graphql-response+json`: the status says whether the request was valid.
    Graphql,
    /// `application/json`: the media type of older clients.
    Json,
}

/// One range of an `Accept` header.
struct Range {
    name: String,
    /// The weight, in thousandths.
    quality: u16,
}

impl Media {
    /// Returns the `Content-Type`.
    pub(in crate::http) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Media::Graphql => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        })
    }

    /// Returns how specifically a range matches this type; 0 if it does not match.
    fn closeness(self, range: &str) -> u8 {
        match (range, self) {
            ("application/graphql-response+json", Media::Graphql) | ("application/json", Media::Json) => 3,
            ("application/*", _) => 2,
            ("*/*", _) => 1,
            _ => 0,
        }
    }
}

/// Returns the best media type that the client accepts, or `None` if it accepts neither. The order is by weight, then by how
/// specific the range is, then by its position in the header, then by the preference of the profile.
pub(super) fn accepted(headers: &HeaderMap, profile: Profile) -> Option<Media> {
    let preferred = match profile {
        Profile::Stable => [Media::Json, Media::Graphql],
        Profile::Draft => [Media::Graphql, Media::Json],
    };
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<Range> =
        values.flat_map(|value| value.split(',')).filter(|part| !part.trim().is_empty()).map(range).collect();
    if ranges.is_empty() {
        return Some(preferred[0]);
    }
    let weight = |media: Media| {
        let fits = ranges.iter().enumerate().map(|(at, range)| (media.closeness(&range.name), Reverse(at), range));
        let (closeness, at, range) = fits.filter(|fit| fit.0 > 0).max_by_key(|fit| (fit.0, fit.1))?;
        (range.quality > 0).then_some((range.quality, closeness, at))
    };
    let [first, second] = preferred.map(|media| (weight(media), media));
    let best = if second.0 > first.0 { second } else { first };
    best.0.map(|_| best.1)
}

fn range(part: &str) -> Range {
    let mut pieces = part.split(';').map(|piece| piece.trim().to_ascii_lowercase());
    let mut range = Range { name: pieces.next().unwrap_or_default(), quality: 1_000 };
    for piece in pieces {
        match piece.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("q", value)) => range.quality = quality(value),
            Some(("charset", value)) if !is_utf8(value) => range.name.clear(),
            _ => {}
        }
    }
    range
}

/// Parses a weight, in thousandths. It is 0 if the text is not a number from 0 to 1.
pub(in crate::http) fn quality(text: &str) -> u16 {
    let weight = text.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    weight.map_or(0, |weight| (weight * 1_000.0) as u16)
}

fn is_utf8(charset: &str) -> bool {
    matches!(charset.trim_matches('"'), "utf-8" | "utf8")
}

/// Whether a `Content-Type` is JSON in UTF-8.
pub(super) fn is_json(content_type: &str) -> bool {
    let mut pieces = content_type.split(';').map(|piece| piece.trim().to_ascii_lowercase());
    pieces.next().is_some_and(|name| name == "application/json")
        && pieces.all(|piece| match piece.split_once('=') {
            Some((name, value)) if name.trim() == "charset" => is_utf8(value.trim()),
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::Media::{Graphql, Json};
    use super::*;

    fn chosen(accept: &'static str, profile: Profile) -> Option<Media> {
        accepted(&[(header::ACCEPT, HeaderValue::from_static(accept))].into_iter().collect(), profile)
    }

    #[test]
    fn the_media_type_is_the_one_that_the_client_takes_best() {
        for (accept, stable, draft) in [
            ("", Some(Json), Some(Graphql)),
            ("*/*", Some(Json), Some(Graphql)),
            ("application/*", Some(Json), Some(Graphql)),
            ("application/json", Some(Json), Some(Json)),
            ("application/graphql-response+json", Some(Graphql), Some(Graphql)),
            ("application/graphql-response+json, application/json;q=0.9", Some(Graphql), Some(Graphql)),
            ("application/json;q=0.9, application/graphql-response+json", Some(Graphql), Some(Graphql)),
            ("application/json, application/graphql-response+json", Some(Json), Some(Json)),
            ("application/graphql-response+json, application/json", Some(Graphql), Some(Graphql)),
            ("application/graphql-response+json; charset=UTF-8", Some(Graphql), Some(Graphql)),
            ("application/graphql-response+json; charset=latin1, application/json", Some(Json), Some(Json)),
            ("application/json; charset=latin1", None, None),
            ("application/json;q=0, */*", Some(Graphql), Some(Graphql)),
            ("*/*;q=0.5, application/graphql-response+json;q=0.4", Some(Json), Some(Json)),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Json), Some(Graphql)),
            ("APPLICATION/JSON", Some(Json), Some(Json)),
            ("text/html", None, None),
            ("application/json;q=0", None, None),
            ("application/json;q=x", None, None),
            ("*/*;q=0.000", None, None),
        ] {
            assert_eq!(chosen(accept, Profile::Stable), stable, "{accept}");
            assert_eq!(chosen(accept, Profile::Draft), draft, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new(), Profile::Stable), Some(Json));
    }

    #[test]
    fn only_json_in_utf_8_is_accepted() {
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\"; a=b"] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "text/json",
            "application/json+x",
            "application/json; charset=utf-16",
            "x; application/json",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
