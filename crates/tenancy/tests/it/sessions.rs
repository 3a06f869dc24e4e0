use chrono::TimeDelta;
use futures::future::join_all;
use kernel::{ErrorKind, Secret};
use tenancy::{Error, NewUser, Permission, Principal, Role, members};

use crate::{House, PASSWORD};

#[tokio::test]
async fn a_session_opens_with_the_right_password_alone() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    house.member(acme, "Owner@Acme.test", Role::Owner).await;
    let tokens = house.login(" owner@acme.TEST ", PASSWORD).await.unwrap();
    let principal = house.authenticate(&tokens.access_token).await.unwrap();
    assert!(matches!(principal, Principal::User { user, operator: false, .. } if user == tokens.user.id));

    house.identity.put_user(NewUser { email: "no@password.test", display_name: None, password: None }).await.unwrap();
    let mut answers = Vec::new();
    for (email, password) in [
        ("owner@acme.test", "wrong horse battery"),
        ("nobody@acme.test", PASSWORD),
        ("no@password.test", PASSWORD),
        ("not an address", PASSWORD),
        ("owner@acme.test", &"x".repeat(10_000)),
    ] {
        let error = house.login(email, password).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        answers.push(error.to_string());
    }
    house.sql("update users set disabled_at = now() where email = 'owner@acme.test'").await;
    answers.push(house.login("owner@acme.test", PASSWORD).await.unwrap_err().to_string());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "the answer tells nothing: {answers:?}");
    assert!(house.authenticate(&tokens.access_token).await.is_err(), "a disabled user's sessions end");
}

#[tokio::test]
async fn an_access_token_runs_out_and_a_refresh_token_brings_the_next() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let first = house.login("a@acme.test", PASSWORD).await.unwrap();
    house.clock.advance(TimeDelta::minutes(11));
    assert!(house.authenticate(&first.access_token).await.is_err());
    let second = house.identity.refresh(&first.refresh_token).await.unwrap();
    assert_eq!(second.session, first.session);
    assert!(house.authenticate(&second.access_token).await.is_ok());
    assert!(house.identity.refresh(&second.refresh_token).await.is_ok());
}

#[tokio::test]
async fn reuse_of_a_refresh_token_ends_the_session_for_whoever_holds_it() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let (stolen, other) =
        (house.login("a@acme.test", PASSWORD).await.unwrap(), house.login("a@acme.test", PASSWORD).await.unwrap());
    let next = house.identity.refresh(&stolen.refresh_token).await.unwrap();
    assert_eq!(house.identity.refresh(&stolen.refresh_token).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert!(house.identity.refresh(&next.refresh_token).await.is_err());
    assert!(house.authenticate(&next.access_token).await.is_err());
    assert!(house.authenticate(&other.access_token).await.is_ok(), "the user's other session goes on");
}

#[tokio::test]
async fn of_fifty_refreshes_at_once_one_succeeds() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let tokens = house.login("a@acme.test", PASSWORD).await.unwrap();
    let tries = join_all((0..50).map(|_| house.identity.refresh(&tokens.refresh_token))).await;
    assert_eq!(tries.iter().filter(|one| one.is_ok()).count(), 1);
    let refused = |error: &Error| error.kind() == ErrorKind::Unauthenticated;
    assert!(tries.iter().filter_map(|one| one.as_ref().err()).all(refused));
}

#[tokio::test]
async fn tokens_are_good_for_their_own_purpose_alone() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let tokens = house.login("a@acme.test", PASSWORD).await.unwrap();
    assert!(house.authenticate(&tokens.refresh_token).await.is_err());
    assert!(house.identity.refresh(&tokens.access_token).await.is_err());
    for garbage in ["", "kk_", "kk_nonsense", "kr_nonsense", "a.b.c", "\0"] {
        assert!(house.identity.authenticate(garbage).await.is_err(), "{garbage:?}");
        assert!(house.identity.refresh(&garbage.into()).await.is_err(), "{garbage:?}");
    }
}

#[tokio::test]
async fn a_log_out_and_a_change_of_role_hold_from_the_next_request_on() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let owner = house.member(acme, "owner@acme.test", Role::Owner).await;
    let ann = house.member(acme, "ann@acme.test", Role::Admin).await;
    assert!(house.access(&ann, acme).await.can(Permission::AgentsWrite, None));

    let mut tx = house.db.tenant(acme).await.unwrap();
    let access = house.access(&owner, acme).await;
    assert!(members::set(&mut tx, &access, ann.user(), "viewer", None).await.unwrap());
    tx.commit().await.unwrap();
    assert!(!house.access(&ann, acme).await.can(Permission::AgentsWrite, None));

    house.identity.logout(ann.tokens.session).await.unwrap();
    assert!(house.authenticate(&ann.tokens.access_token).await.is_err());
    assert!(house.identity.refresh(&ann.tokens.refresh_token).await.is_err());
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_has_to_wait_too() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    for _ in 0..10 {
        assert_eq!(house.login("a@acme.test", "wrong horse").await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    }
    let error = house.login("a@acme.test", PASSWORD).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    house.sql("update login_failure set blocked_until = now() - interval '1 second'").await;
    assert!(house.login("a@acme.test", PASSWORD).await.is_ok());
    assert!(house.login("a@acme.test", "wrong horse").await.is_err());
    assert!(house.login("a@acme.test", PASSWORD).await.is_ok(), "a success forgives");
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_the_old_one_no_longer_fits() {
    let house = House::new().await;
    let user = house.user("a@acme.test").await;
    let (here, there) =
        (house.login("a@acme.test", PASSWORD).await.unwrap(), house.login("a@acme.test", PASSWORD).await.unwrap());
    let (old, new) = (Secret::new(PASSWORD), Secret::new("another horse battery"));
    let change = |current| house.identity.change_password(user.id, here.session, current, &new);
    assert_eq!(change(&new).await.unwrap_err().kind(), ErrorKind::Invalid);
    change(&old).await.unwrap();
    assert!(house.authenticate(&here.access_token).await.is_ok());
    assert!(house.authenticate(&there.access_token).await.is_err());
    assert!(house.login("a@acme.test", PASSWORD).await.is_err());
    assert!(house.login("a@acme.test", new.expose()).await.is_ok());
}

#[tokio::test]
async fn a_hash_of_weaker_settings_is_made_anew_at_log_in() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let weak = weak_hash(PASSWORD);
    house.sql(&format!("update users set password_hash = '{weak}'")).await;
    assert!(house.login("a@acme.test", PASSWORD).await.is_ok());
    let mut tx = house.db.system("test").await.unwrap();
    let stored: String = sqlx::query_scalar("select password_hash from users").fetch_one(&mut *tx).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    drop(tx);
    assert!(house.login("a@acme.test", PASSWORD).await.is_ok());
}

fn weak_hash(password: &str) -> String {
    use argon2::password_hash::PasswordHasher as _;
    use argon2::{Algorithm, Argon2, Params, Version};
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8, 1, 1, None).unwrap());
    argon2.hash_password(password.as_bytes()).unwrap().to_string()
}

#[tokio::test]
async fn the_operator_gives_a_user_another_name_and_password() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let mine = house.login("a@acme.test", PASSWORD).await.unwrap();
    let given = Secret::new("given by the operator");
    let new = NewUser { email: "a@acme.test", display_name: Some("Ann"), password: Some(&given) };
    let (changed, did) = house.identity.put_user(new.clone()).await.unwrap();
    assert_eq!((changed.display_name.as_str(), did), ("Ann", true));
    assert!(!house.identity.put_user(new).await.unwrap().1, "the second time there is nothing to change");
    assert!(house.login("a@acme.test", PASSWORD).await.is_err());
    assert!(house.login("a@acme.test", given.expose()).await.is_ok());
    assert!(house.authenticate(&mine.access_token).await.is_err(), "old sessions end with the old password");
}

#[tokio::test]
async fn the_operator_is_known_as_such_and_is_no_member_for_that() {
    let house = House::new().await;
    let acme = house.organisation("acme").await;
    let user = house.user("root@house.test").await;
    assert!(house.identity.first_operator().await.unwrap().is_none());
    house.identity.make_operator(user.id).await.unwrap();
    assert_eq!(house.identity.first_operator().await.unwrap(), Some(user.clone()));
    let tokens = house.login("root@house.test", PASSWORD).await.unwrap();
    let principal = house.authenticate(&tokens.access_token).await.unwrap();
    assert_eq!(principal.operator().unwrap().to_string(), format!("operator:{}", user.id));
    let error = house.identity.access(&principal, acme).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let me = house.identity.me(&principal).await.unwrap();
    assert!(me.operator && me.organisations.is_empty());
}

#[tokio::test]
async fn ended_sessions_are_forgotten_after_a_while() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    let ended = house.login("a@acme.test", PASSWORD).await.unwrap();
    let open = house.login("a@acme.test", PASSWORD).await.unwrap();
    house.identity.logout(ended.session).await.unwrap();
    house.sql("update session set revoked_at = now() - interval '8 days' where revoked_at is not null").await;
    house.identity.sweep().await.unwrap();
    let mut tx = house.db.system("test").await.unwrap();
    let left: Vec<uuid::Uuid> = sqlx::query_scalar("select session_id from session").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(left, [open.session.as_uuid()]);
    let tokens: i64 = sqlx::query_scalar("select count(*) from refresh_token").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(tokens, 1, "a session's tokens go with it");
}

#[tokio::test]
async fn failed_log_ins_are_forgotten_after_a_day() {
    let house = House::new().await;
    house.user("a@acme.test").await;
    assert!(house.login("a@acme.test", "wrong horse").await.is_err());
    house.sql("update login_failure set last_at = now() - interval '25 hours'").await;
    assert!(house.login("b@acme.test", "wrong horse").await.is_err());
    house.identity.sweep().await.unwrap();
    let mut tx = house.db.system("test").await.unwrap();
    let old: i64 = sqlx::query_scalar("select count(*) from login_failure where last_at < now() - interval '1 day'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    let all: i64 = sqlx::query_scalar("select count(*) from login_failure").fetch_one(&mut *tx).await.unwrap();
    assert_eq!((old, all), (0, 2), "one of the account and one of the address are left");
}
