//! Fields that need another read, or that only the graph can tell: one block per noun.

mod connection;
mod identity;
mod place;

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID};

use super::ContextExt;
use super::error::Error;
use super::id::GlobalId;
use crate::model::{Application, Provider, Site, WordPressUser};
use crate::provider::{self, Answer, List};

/// An answer as a field's value: nothing is null, and an error is this field's alone.
pub fn settle<T>(answer: Answer<T>) -> Option<Result<Arc<T>, Error>> {
    answer.map_err(Error::from).transpose()
}

/// A whole list as a field's value; a row that could not be read is an error beside it and costs no other.
fn rows<T>(
    ctx: &Context<'_>,
    provider: Provider,
    list: Result<Arc<List<T>>, provider::Error>,
) -> Result<Vec<Arc<T>>, Error> {
    let list = list?;
    list.skipped.iter().for_each(|skipped| ctx.report(Error::skipped(provider, skipped)));
    Ok(list.rows.clone())
}

/// A field of what was read: null if there is no such thing or it has no such field.
pub fn pick_from<T, V>(answer: Answer<T>, pick: impl FnOnce(&T) -> Option<V>) -> Option<Result<V, Error>> {
    match answer {
        Ok(thing) => pick(&*thing?).map(Ok),
        Err(error) => Some(Err(error.into())),
    }
}

#[ComplexObject]
impl Application {
    /// Names this application in the graph.
    pub async fn id(&self) -> ID {
        GlobalId::Application(self.key.clone()).into()
    }
}

#[ComplexObject]
impl WordPressUser {
    /// Their e-mail address. Null where WordPress.com does not say.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        let email = self.email.as_deref()?;
        ctx.audit().of_wordpress_user(self, "email");
        Some(email)
    }

    /// The person's main site. Null if they have none, or WordPress.com does not say.
    async fn primary_site(&self) -> Option<Site> {
        self.primary_site.map(Site::from_id)
    }

    /// The person's sites, in WordPress.com's order. Null, with an error, if WordPress.com does not list them.
    async fn sites(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Site>>, Error>> {
        Some(rows(ctx, Provider::WordPress, ctx.loaders().wordpress.reads.sites().await))
    }
}
