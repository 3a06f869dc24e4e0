use crate::world::World;

#[tokio::test]
async fn a_node_notes_whether_it_answers_model_calls() {
    let world = World::new().await;
    let _engine = world.engine(false).await;
    let mut conn = world.db.system_statement().await.unwrap();
    let answer: Vec<bool> = sqlx::query_scalar("select models from node").fetch_all(&mut *conn).await.unwrap();
    assert_eq!(answer, [true]);
}
