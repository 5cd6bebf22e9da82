//! The viewer: the person whose credentials the request carries.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::graph::context::ContextExt;
use crate::graph::error::Error;
use crate::graph::pagination::filter::{ApplicationFilter, ConnectionFilter, IdentityFilter};
use crate::graph::pagination::lists;
use crate::graph::pagination::order::{ApplicationOrder, ConnectionOrder, IdentityOrder};
use crate::graph::pagination::page::{Page, PageArguments};
use crate::loader::Loaders;
use crate::model::{Application, Connection, Identity, OneAllUser, WordPressUser};

/// The person whose credentials the request carries, at each provider.
#[derive(SimpleObject, Debug)]
#[graphql(complex)]
pub(crate) struct Viewer {
    /// The OneAll user that the JWT names. Null when it names none, and for a service.
    #[graphql(name = "oneallUser")]
    oneall_user: Option<OneAllUser>,
}

impl Viewer {
    /// The viewer of an operation. `None` when its credentials identify no person.
    pub(in crate::graph) fn from_loaders(loaders: &Loaders) -> Option<Self> {
        let oneall_user = loaders.oneall.session.user().map(OneAllUser::from_token);
        (loaders.wordpress.session.has_token() || oneall_user.is_some()).then_some(Self { oneall_user })
    }
}

#[ComplexObject]
impl Viewer {
    /// The owner of the WordPress.com token. Null without a token.
    async fn wordpress_user(&self, ctx: &Context<'_>) -> Option<Result<Arc<WordPressUser>, Error>> {
        let session = &ctx.loaders().wordpress.session;
        if !session.has_token() {
            return None;
        }
        Some(session.me().await.map_err(Error::from))
    }

    /// The number of the viewer's WordPress.com connections that need attention. Null without a WordPress.com token.
    async fn needs_attention_count(&self, ctx: &Context<'_>) -> Option<Result<i32, Error>> {
        if !ctx.loaders().wordpress.session.has_token() {
            return None;
        }
        Some(lists::count_needing_attention(ctx.loaders()).await)
    }

    /// The viewer's WordPress.com connections, newest first. OneAll cannot list the sign-ins of one user; see
    /// `oneallUser.identities`. Null with an error when WordPress.com's list cannot be read.
    async fn connections(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for connections returned from the list.")] filter: Option<ConnectionFilter>,
        #[graphql(desc = "Ordering options for connections returned from the list (default: newest first).")] order_by: Option<ConnectionOrder>,
    ) -> Option<Result<Page<Connection>, Error>> {
        let arguments = PageArguments::forward(first, after);
        Some(lists::viewer_connections(ctx, arguments, filter, order_by).await)
    }

    /// The applications that the viewer has authorized at WordPress.com, newest first. Null with an error when no list can
    /// be read. See `Query.applications`.
    async fn applications(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for applications returned from the list.")] filter: Option<
            ApplicationFilter,
        >,
        #[graphql(desc = "Ordering options for applications returned from the list (default: newest first).")] order_by: Option<ApplicationOrder>,
    ) -> Option<Result<Page<Application>, Error>> {
        Some(lists::applications(ctx, PageArguments::forward(first, after), filter, order_by).await)
    }

    /// The viewer's identities: those of their Keyring connections and those of their OneAll user. Null with an error when
    /// neither can be read.
    async fn identities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Returns the first _n_ elements from the list (0–100, default 20).")] first: Option<i32>,
        #[graphql(desc = "Returns the elements in the list that come after the specified cursor.")] after: Option<
            String,
        >,
        #[graphql(desc = "Filtering options for identities returned from the list.")] filter: Option<IdentityFilter>,
        #[graphql(desc = "Ordering options for identities returned from the list (default: newest first).")]
        order_by: Option<IdentityOrder>,
    ) -> Option<Result<Page<Identity>, Error>> {
        Some(lists::viewer_identities(ctx, PageArguments::forward(first, after), filter, order_by).await)
    }
}
