use kernel::{ErrorKind, PageRequest, Secret, TenantId};
use tenancy::{Access, ApiKey, Error, Permission, Role, api_keys, members};

use crate::{House, Signed};

async fn make(house: &House, access: &Access, role: &str) -> Result<(ApiKey, Secret), Error> {
    api_keys::create(&house.db, access, "ci", role, None).await
}

/// What the key may do now.
async fn access_of(house: &House, key: &Secret, organisation: TenantId) -> Result<Access, Error> {
    let principal = house.authenticate(key).await?;
    house.identity.access(&principal, organisation).await
}

async fn admin(house: &House, organisation: TenantId) -> Signed {
    house.member(organisation, "owner@acme.test", Role::Owner).await;
    house.member(organisation, "admin@acme.test", Role::Admin).await
}

#[tokio::test]
async fn a_key_speaks_for_its_own_organisation_until_it_is_revoked() {
    let house = House::new().await;
    let (acme, other) = (house.organisation("acme").await, house.organisation("other").await);
    let admin = admin(&house, acme).await;
    let access = house.access(&admin, acme).await;
    let (key, shown) = make(&house, &access, "member").await.unwrap();
    assert!(shown.expose().starts_with("kk_") && shown.expose().starts_with(&key.prefix));
    let of_key = access_of(&house, &shown, acme).await.unwrap();
    assert!(of_key.can(Permission::AgentsRead, None) && !of_key.can(Permission::AgentsWrite, None));
    assert_eq!(of_key.actor.to_string(), format!("key:{}", key.id));
    assert_eq!(access_of(&house, &shown, other).await.unwrap_err().kind(), ErrorKind::NotFound);
    let me = house.identity.me(&house.authenticate(&shown).await.unwrap()).await.unwrap();
    assert!(me.user.is_none() && me.organisations.len() == 1);

    let page = PageRequest::new(None, None);
    let listed = api_keys::list(&house.db, &access, &page).await.unwrap().items;
    assert!(listed.len() == 1 && listed[0].last_used_at.is_some());
    let foreign = api_keys::revoke(&house.db, &Access::system(other), key.id).await;
    assert_eq!(foreign.unwrap_err().kind(), ErrorKind::NotFound);
    api_keys::revoke(&house.db, &access, key.id).await.unwrap();
    assert_eq!(house.authenticate(&shown).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert!(api_keys::list(&house.db, &access, &page).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn nothing_of_a_key_is_stored_but_its_hash_and_how_it_begins() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (_, shown) = make(&house, &Access::system(acme), "viewer").await.unwrap();
    let mut tx = house.db.system("test").await.unwrap();
    let row: String = sqlx::query_scalar("select k::text from api_key k").fetch_one(&mut *tx).await.unwrap();
    assert!(!row.contains(&shown.expose()[..11]), "{row}");
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let (_, shown) = make(&house, &Access::system(acme), "viewer").await.unwrap();
    assert!(house.authenticate(&shown).await.is_ok());
    house.sql("update api_key set expires_at = now()").await;
    assert!(house.authenticate(&shown).await.is_err());
}

#[tokio::test]
async fn a_key_never_has_more_rights_than_its_maker() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let admin = admin(&house, acme).await;
    let access = house.access(&admin, acme).await;
    assert!(matches!(make(&house, &access, "owner").await, Err(Error::AboveOwnRole)));
    let (_, shown) = make(&house, &access, "admin").await.unwrap();
    let of_key = access_of(&house, &shown, acme).await.unwrap();
    assert!(of_key.can(Permission::AgentsWrite, None));
    let (_, child) = make(&house, &of_key, "admin").await.unwrap();

    let mut tx = house.db.tenant(acme).await.unwrap();
    members::set(&mut tx, &Access::system(acme), admin.user(), "viewer", None).await.unwrap();
    tx.commit().await.unwrap();
    for key in [&shown, &child] {
        let of_key = access_of(&house, key, acme).await.unwrap();
        assert!(of_key.can(Permission::ConversationsRead, None) && !of_key.can(Permission::AgentsWrite, None));
    }
    let viewer = house.access(&admin, acme).await;
    assert!(matches!(make(&house, &viewer, "viewer").await, Err(Error::Forbidden(_))));
}
