use super::migrated;

#[tokio::test]
async fn the_catalogue_shows_no_hole() {
    let (_database, mut admin) = migrated().await;
    let breaches = db::walls::inspect(&mut admin).await.unwrap();
    let said: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}
