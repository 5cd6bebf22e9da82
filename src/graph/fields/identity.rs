//! Fields of an identity and its profile.

use async_graphql::{ComplexObject, Context, ID};

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::id::GlobalId;
use crate::graph::matching;
use crate::graph::pagination::lists;
use crate::graph::pagination::page::{Page, PageArguments};
use crate::model::identity::{Address, LabelledValue};
use crate::model::{Connection, EmailEntry, Identity, IdentityMatch, OneAllUser, Profile, Service};

#[ComplexObject]
impl Identity {
    /// The global ID of the identity.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Identity(self.key.clone()).into()
    }

    /// The service of the account. Null for an encrypted identity.
    async fn service(&self) -> Option<Service> {
        let slug = self.service.as_deref()?;
        Some(Service::from_slug(self.provider, slug, self.service_label.as_deref()))
    }

    /// The OneAll user who owns the identity. Null at WordPress.com.
    #[graphql(name = "oneallUser")]
    async fn oneall_user(&self) -> Option<OneAllUser> {
        self.user.clone().map(OneAllUser::from_token)
    }

    /// The email addresses of the account. Empty when the service provides none. Null at WordPress.com and, with an error,
    /// when the caller may not read them.
    async fn emails(&self, ctx: &Context<'_>) -> Option<Result<&[EmailEntry], Error>> {
        if self.emails.as_ref().is_some_and(|emails| !emails.is_empty()) {
            ctx.audit().record_identity_read(Some(&self.key), "emails");
        }
        unless_redacted(self.redacted, ctx, self.emails.as_deref())
    }

    /// The same account as the other provider knows it, with the evidence. Only the viewer's own identities are compared,
    /// and never by name or email address.
    ///
    /// Empty when none matches. Null when the request has no credential for the other provider, and for an encrypted
    /// identity.
    async fn same_as(&self, ctx: &Context<'_>) -> Option<Result<Vec<IdentityMatch>, Error>> {
        matching::same_as(ctx, self).await
    }

    /// The viewer's WordPress.com connections to this account, newest first. Null with an error when they cannot be read,
    /// and for a OneAll identity without a WordPress.com token.
    ///
    /// OneAll cannot list sign-ins by identity; for a OneAll identity it is UNSUPPORTED_BY_PROVIDER in `incomplete`.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
    ) -> Option<Result<Page<Connection>, Error>> {
        Some(lists::connections_of_account(ctx, self, PageArguments::forward(first, after)).await)
    }
}

#[ComplexObject]
impl Profile {
    /// The birthday as the service provides it, mostly MM/DD/YYYY. Null when the service provides none and, with an error,
    /// when the caller may not read it.
    async fn birthday(&self, ctx: &Context<'_>) -> Option<Result<&str, Error>> {
        self.record_read(ctx, "birthday", self.birthday.is_some());
        unless_redacted(self.redacted, ctx, self.birthday.as_deref())
    }

    /// The phone numbers, each labelled with its type. Empty when the service provides none. Null with an error when the
    /// caller may not read them.
    async fn phone_numbers(&self, ctx: &Context<'_>) -> Option<Result<&[LabelledValue], Error>> {
        self.record_read(ctx, "phoneNumbers", self.phone_numbers.as_ref().is_some_and(|rows| !rows.is_empty()));
        unless_redacted(self.redacted, ctx, self.phone_numbers.as_deref())
    }

    /// The postal addresses. Empty when the service provides none. Null with an error when the caller may not read them.
    async fn addresses(&self, ctx: &Context<'_>) -> Option<Result<&[Address], Error>> {
        self.record_read(ctx, "addresses", self.addresses.as_ref().is_some_and(|rows| !rows.is_empty()));
        unless_redacted(self.redacted, ctx, self.addresses.as_deref())
    }
}

impl Profile {
    /// Adds the field to the audit record if it has a value.
    fn record_read(&self, ctx: &Context<'_>, field: &'static str, has_value: bool) {
        if has_value {
            ctx.audit().record_identity_read(self.owner.as_ref(), field);
        }
    }
}

/// The value, or the reason why it was redacted.
fn unless_redacted<T>(redacted: bool, ctx: &Context<'_>, value: Option<T>) -> Option<Result<T, Error>> {
    match ctx.loaders().oneall.session.may_read_personal_data() {
        Err(error) if redacted => Some(Err(error.into())),
        _ => value.map(Ok),
    }
}
