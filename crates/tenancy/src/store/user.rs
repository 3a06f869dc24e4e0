use std::collections::HashMap;

use db::SystemTx;
use kernel::UserId;

use crate::{Error, User};

/// A user with what log-in needs.
pub(crate) struct Credentials {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
    pub(crate) disabled: bool,
}

/// Fails with a conflict where a user of this address stands already.
pub(crate) async fn insert_user(
    tx: &mut SystemTx,
    email: &str,
    display_name: &str,
    password_hash: Option<&str>,
) -> Result<User, Error> {
    let id = UserId::new();
    sqlx::query!(
        "insert into users (user_id, email, display_name, password_hash) values ($1, $2, $3, $4)",
        id.as_uuid(),
        email,
        display_name,
        password_hash
    )
    .execute(&mut **tx)
    .await?;
    Ok(User { id, email: email.to_owned(), display_name: display_name.to_owned() })
}

pub(crate) async fn find_credentials(tx: &mut SystemTx, email: &str) -> Result<Option<Credentials>, Error> {
    let found = sqlx::query!(
        r#"select user_id, email, display_name, password_hash, disabled_at is not null as "disabled!"
           from users where email = $1"#,
        email
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.map(|row| Credentials {
        user: User { id: row.user_id.into(), email: row.email, display_name: row.display_name },
        password_hash: row.password_hash,
        disabled: row.disabled,
    }))
}

pub(crate) async fn find_user(tx: &mut SystemTx, id: UserId) -> Result<Option<User>, Error> {
    let mut found = list_users(tx, &[id]).await?;
    Ok(found.remove(&id))
}

pub(crate) async fn list_users(tx: &mut SystemTx, ids: &[UserId]) -> Result<HashMap<UserId, User>, Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.as_uuid()).collect();
    let users =
        sqlx::query_as!(User, "select user_id as id, email, display_name from users where user_id = any($1)", &ids)
            .fetch_all(&mut **tx)
            .await?;
    Ok(users.into_iter().map(|user| (user.id, user)).collect())
}

pub(crate) async fn update_password_hash(tx: &mut SystemTx, id: UserId, hash: &str) -> Result<(), Error> {
    sqlx::query!("update users set password_hash = $2 where user_id = $1", id.as_uuid(), hash)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn update_display_name(tx: &mut SystemTx, id: UserId, display_name: &str) -> Result<(), Error> {
    sqlx::query!("update users set display_name = $2 where user_id = $1", id.as_uuid(), display_name)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn insert_operator(tx: &mut SystemTx, id: UserId) -> Result<(), Error> {
    sqlx::query!("insert into operator (user_id) values ($1) on conflict do nothing", id.as_uuid())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(crate) async fn find_is_operator(tx: &mut SystemTx, user: UserId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select exists (
               select from operator o join users u on u.user_id = o.user_id
               where o.user_id = $1 and u.disabled_at is null) as "found!""#,
        user.as_uuid()
    );
    Ok(found.fetch_one(&mut **tx).await?)
}

pub(crate) async fn find_any_operator(tx: &mut SystemTx) -> Result<Option<UserId>, Error> {
    let found = sqlx::query_scalar!("select user_id from operator order by created_at limit 1")
        .fetch_optional(&mut **tx)
        .await?;
    Ok(found.map(UserId::from))
}
