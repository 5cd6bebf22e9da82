//! The schema that the program prints is the one in the repository.

use crate::harness::World;

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let committed = include_str!("../../schema.graphql");
    assert!(
        committed == commongraph::graph::rights::sdl(),
        "schema.graphql is out of date; run: cargo run -- schema > schema.graphql"
    );
}

#[tokio::test]
async fn the_schema_is_served_as_text() {
    let world = World::start().await;
    let url = world.gateway.url().replace("/graphql", "/schema.graphql");
    let text = world.gateway.client.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, include_str!("../../schema.graphql"));
}
