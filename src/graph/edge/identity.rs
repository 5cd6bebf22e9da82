//! The edges of an identity and of the OneAll user who owns it.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object};

use super::pick_from;
use crate::graph::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::page::{Arguments, Page};
use crate::graph::{lists, matching};
use crate::model::identity::{Address, LabelledValue};
use crate::model::user::OneAllUserEntry;
use crate::model::{
    Connection, DateTime, EmailEntry, Identity, IdentityMatch, IdentityState, OneAllUser, Profile, Provider, Service,
};

#[ComplexObject]
impl Identity {
    /// Names this identity in the graph.
    pub async fn id(&self) -> ID {
        GlobalId::Identity(self.key.clone()).into()
    }

    /// The service the account is at. Null for an encrypted identity.
    async fn service(&self) -> Option<Service> {
        self.service.as_deref().map(|slug| Service::from_slug(self.provider, slug, self.service_label.as_deref()))
    }

    /// The user of the OneAll site who owns it. Null at WordPress.com.
    #[graphql(name = "oneallUser")]
    async fn oneall_user(&self) -> Option<OneAllUser> {
        self.user.clone().map(OneAllUser::from_token)
    }

    /// E-mail addresses. Empty where the service gave none; null where the provider knows no such thing and, with an
    /// error, for a caller who may not read them.
    async fn emails(&self, ctx: &Context<'_>) -> Option<Result<&[EmailEntry], Error>> {
        if self.emails.as_ref().is_some_and(|emails| !emails.is_empty()) {
            ctx.audit().of_identity(Some(&self.key), "emails");
        }
        unless(self.redacted, ctx, self.emails.as_deref())
    }

    /// The same outside account as the other provider sees it, each with the evidence: for one of WordPress.com's, among
    /// the identities of the person's own OneAll user, whom their JWT names; for one of OneAll's, among the accounts behind
    /// the Keyring connections of the WordPress.com token. Nothing else is searched, so nothing is shown that the request
    /// could not list anyway, and a whole OneAll site never is. One call for all rows. Never by name or e-mail address; the
    /// two stay two identities.
    ///
    /// Empty if none of them is the same account. Null if there is nowhere to look, because the request shows no JWT that
    /// names a OneAll user, or no WordPress.com token; and for an encrypted identity.
    async fn same_as(&self, ctx: &Context<'_>) -> Option<Result<Vec<IdentityMatch>, Error>> {
        matching::same_as(ctx, self).await
    }

    /// The connections that lead to this account, newest first: at WordPress.com, the person's Keyring and Publicize
    /// connections with this account at the same service, all of them. Sign-ins at OneAll are never among them: its
    /// list names no identity, so for one of OneAll's that side is UNSUPPORTED_BY_PROVIDER in `incomplete`; of one
    /// sign-in that is known by its token, `Connection.identity` leads here. Null, with an error, if WordPress.com's
    /// part cannot be had, and for one of OneAll's without a WordPress.com token.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many rows from the start: 0 to 100, 20 if not said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind this row.")] after: Option<String>,
    ) -> Option<Result<Page<Connection>, Error>> {
        Some(lists::connections_of(ctx, self, Arguments::forward(first, after)).await)
    }
}

#[ComplexObject]
impl Profile {
    /// As the service gave it: mostly MM/DD/YYYY, now and then only a part. Null where the service gave none, and with
    /// an error for a caller who may not read it.
    async fn birthday(&self, ctx: &Context<'_>) -> Option<Result<&str, Error>> {
        self.give(ctx, "birthday", self.birthday.is_some());
        unless(self.redacted, ctx, self.birthday.as_deref())
    }

    /// Phone numbers, with a type. Empty where the service gave none; null, with an error, for a caller who may not
    /// read them.
    async fn phone_numbers(&self, ctx: &Context<'_>) -> Option<Result<&[LabelledValue], Error>> {
        self.give(ctx, "phoneNumbers", self.phone_numbers.as_ref().is_some_and(|rows| !rows.is_empty()));
        unless(self.redacted, ctx, self.phone_numbers.as_deref())
    }

    /// Postal addresses. Empty where the service gave none; null, with an error, for a caller who may not read them.
    async fn addresses(&self, ctx: &Context<'_>) -> Option<Result<&[Address], Error>> {
        self.give(ctx, "addresses", self.addresses.as_ref().is_some_and(|rows| !rows.is_empty()));
        unless(self.redacted, ctx, self.addresses.as_deref())
    }
}

impl Profile {
    /// Notes for the audit log that a field is given, if it is.
    fn give(&self, ctx: &Context<'_>, field: &'static str, is_given: bool) {
        if is_given {
            ctx.audit().of_identity(self.owner.as_ref(), field);
        }
    }
}

/// A value, unless it was withheld: then what it takes is told in its place.
fn unless<T>(withheld: bool, ctx: &Context<'_>, value: Option<T>) -> Option<Result<T, Error>> {
    match ctx.loaders().oneall.reads.personal() {
        Err(error) if withheld => Some(Err(error.into())),
        _ => value.map(Ok),
    }
}

/// A user of the OneAll site: one person with all the identities they linked.
///
/// All but the token is null if OneAll knows no such user, or does not say.
#[Object(name = "OneAllUser")]
impl OneAllUser {
    /// The user's token, under which a site keeps its own account for them.
    async fn user_token(&self) -> &str {
        self.key.as_str()
    }

    /// Whether all of the user's data can be read: ENCRYPTED where the OneAll site encrypts any of it. What is plain is
    /// shown nevertheless; an identity that is no more than encrypted data cannot be named, so it is not in
    /// `identities`. Null if OneAll knows no such user.
    async fn state(&self, ctx: &Context<'_>) -> Option<Result<IdentityState, Error>> {
        self.entry(ctx, |entry| Some(entry.state)).await
    }

    /// When the user first came. Null if OneAll knows no such user, or does not say.
    async fn created_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, Error>> {
        self.entry(ctx, |entry| entry.created_at).await
    }

    /// When they last signed in. Null if OneAll knows no such user, or does not say.
    async fn last_login_at(&self, ctx: &Context<'_>) -> Option<Result<DateTime, Error>> {
        self.entry(ctx, |entry| entry.last_login_at).await
    }

    /// How often they signed in. Null if OneAll knows no such user, or does not say.
    async fn login_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        self.entry(ctx, |entry| entry.login_count).await
    }

    /// The identities they linked, in OneAll's order. Null if OneAll knows no such user.
    async fn identities(&self, ctx: &Context<'_>) -> Option<Result<Vec<Arc<Identity>>, Error>> {
        let rows = |entry: &OneAllUserEntry| {
            entry.skipped.iter().for_each(|skipped| ctx.report(Error::skipped(Provider::OneAll, skipped)));
            Some(entry.identities.clone())
        };
        self.entry(ctx, rows).await
    }
}

impl OneAllUser {
    /// Picks from what OneAll says of the user, reading it if it is not at hand. Null if OneAll knows no such user.
    async fn entry<T>(
        &self,
        ctx: &Context<'_>,
        pick: impl FnOnce(&OneAllUserEntry) -> Option<T>,
    ) -> Option<Result<T, Error>> {
        if let Some(entry) = &self.entry {
            return pick(entry).map(Ok);
        }
        pick_from(ctx.loaders().oneall.find(self.key.clone()).await, |user| pick(user.entry.as_ref()?))
    }
}
