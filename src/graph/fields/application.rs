//! Fields of an application.

use async_graphql::{ComplexObject, ID};

use crate::graph::id::GlobalId;
use crate::model::Application;

#[ComplexObject]
impl Application {
    /// The global ID of the application.
    pub(crate) async fn id(&self) -> ID {
        GlobalId::Application(self.key.clone()).into()
    }
}
