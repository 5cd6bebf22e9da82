//! The envelope around every OneAll response, and the check of the site's keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::sandbox::dates::{OffsetStyle, now, rfc2822_date};
use crate::sandbox::fixtures::people::{ONEALL_PRIVATE_KEY, ONEALL_PUBLIC_KEY};
use crate::sandbox::http::{SandboxRequest, SandboxResponse};
use crate::sandbox::json::escape_slashes;

pub(super) const PROCESSED: &str = "Your request has been processed successfully";
pub(super) const INVALID_KEYS: &str = "Authentication credentials are missing or incorrect: \
    http://docs.oneall.com/api/basic/authentication/";
pub(super) const UNKNOWN_RESOURCE: &str = "We are really sorry, but the resource you are trying to access does not exist. If you are \
    currently implementing our services, then please make sure that your callback_uri points to a file on your server \
    and not on ours.";
pub(super) const UNKNOWN_IDENTITY: &str = "No identity has been found for the specified identity_token";

/// The content of an envelope.
pub(super) struct Envelope {
    pub(super) status: u16,
    /// The sentence beside the status.
    pub(super) info: Option<&'static str>,
    /// The date, if it is not the current time.
    pub(super) date: Option<&'static str>,
    pub(super) result: Option<Value>,
}

impl Envelope {
    /// A success with this data.
    pub(super) fn with_data(data: Value) -> Self {
        Envelope::with_result(200, json!({"data": data}))
    }

    /// A response with this `result` node.
    pub(super) fn with_result(status: u16, result: Value) -> Self {
        let info = if status < 400 { PROCESSED } else { "Your request could not be processed" };
        Envelope { status, info: Some(info), date: None, result: Some(result) }
    }

    /// A response without a `result` node.
    pub(super) fn with_info(status: u16, info: &'static str) -> Self {
        Envelope { status, info: Some(info), date: None, result: None }
    }

    /// The HTTP response. Responses about users have a date without the plus, as in the documentation.
    pub(super) fn render(&self, request: &SandboxRequest) -> SandboxResponse {
        let offset = if request.path.starts_with("/users") { OffsetStyle::TwoSpaces } else { OffsetStyle::Plus };
        let resource = match request.raw_query {
            "" => request.path.to_owned(),
            query => format!("{}?{query}", request.path),
        };
        let flag = if self.status < 400 { "success" } else { "error" };
        let mut response = json!({
            "request": {
                "date": self.date.map_or_else(|| rfc2822_date(now(), offset), str::to_owned),
                "resource": resource,
                "status": {"flag": flag, "code": self.status},
            },
        });
        if let Some(info) = self.info {
            response["request"]["status"]["info"] = json!(info);
        }
        if let Some(result) = &self.result {
            response["result"] = result.clone();
        }
        let body = escape_slashes(&json!({"response": response}).to_string());
        SandboxResponse::text(self.status, "application/json; charset=utf-8", body)
    }
}

/// Whether the request carries the keys of the site.
pub(super) fn has_site_keys(request: &SandboxRequest) -> bool {
    let credential = request.credential("Basic").and_then(|text| STANDARD.decode(text).ok());
    credential.is_some_and(|credential| credential == format!("{ONEALL_PUBLIC_KEY}:{ONEALL_PRIVATE_KEY}").as_bytes())
}
