//! Maps the owner of a WordPress.com token.

use crate::model::{SiteId, WordPressUser};

use super::super::payload;
use super::{Mapped, count, display_id, link, map_one, required_id};

/// Maps `/me`. An error names the invalid field.
pub fn me(payload: payload::Me) -> Result<Mapped<WordPressUser>, String> {
    map_one("me", |context| {
        Ok(WordPressUser {
            user_id: required_id("ID", &payload.id)?.to_string().into(),
            username: payload.username.text(),
            display_name: payload.display_name.text(),
            email: payload.email.text(),
            email_verified: payload.email_verified.boolean().or_else(|| payload.verified.boolean()),
            avatar_url: link(payload.avatar_url),
            profile_url: link(payload.profile_url),
            language: payload.language.text(),
            created_at: context.date("date", &payload.date),
            site_count: count(&payload.site_count),
            token_scope: payload.token_scope.into_words(),
            token_site_id: display_id(&payload.token_site_id),
            primary_site: payload.primary_blog.id().map(SiteId),
        })
    })
}

#[cfg(test)]
mod tests;
