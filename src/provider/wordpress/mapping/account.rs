//! The owner of a WordPress.com token.

use crate::model::{SiteId, WordPressUser};

use super::super::payload;
use super::{Alone, alone, count, link, number, shown_id};

/// Maps the answer of `/me`; an error names the field that makes it unusable.
pub fn me(payload: payload::Me) -> Result<Alone<WordPressUser>, String> {
    alone("me", |notes| {
        Ok(WordPressUser {
            user_id: number("ID", &payload.id)?.to_string().into(),
            username: payload.username.text(),
            display_name: payload.display_name.text(),
            email: payload.email.text(),
            email_verified: payload.email_verified.flag().or_else(|| payload.verified.flag()),
            avatar_url: link(payload.avatar_url),
            profile_url: link(payload.profile_url),
            language: payload.language.text(),
            created_at: notes.date("date", &payload.date),
            site_count: count(&payload.site_count),
            token_scope: payload.token_scope.into_words(),
            token_site_id: shown_id(&payload.token_site_id),
            primary_site: payload.primary_blog.id().map(SiteId),
        })
    })
}

#[cfg(test)]
mod tests;
