use chrono::{DateTime, Utc};
use db::TenantTx;
use infra::{Egress, Reach, Sealer};
use kernel::{ProviderId, Secret};
use serde::Serialize;
use tenancy::secrets;
use url::Url;

use super::{Change, Written, check_name};
use crate::error::Error;
use crate::model::Wire;
use crate::pool::{Upstream, Watch};

/// The name under which a provider's key lies among the secrets.
const API_KEY: &str = "api_key";

/// Somebody who serves models.
#[derive(Clone, Debug, Serialize)]
pub struct Provider {
    pub id: ProviderId,
    pub name: String,
    pub wire: Wire,
    /// Empty: the wire's own default.
    pub base_url: String,
    /// Its address may lie in a private network.
    pub private_allowed: bool,
    pub has_key: bool,
    pub created_at: DateTime<Utc>,
}

/// What a provider is to be.
#[derive(Clone, Debug)]
pub struct ProviderSpec {
    pub name: String,
    pub wire: Wire,
    pub base_url: String,
    /// Whoever writes this may point it into private networks (the operator). Where they may not, the provider keeps
    /// that freedom only as long as its address stays as it is.
    pub private_allowed: bool,
    pub api_key: KeyChange,
}

/// What becomes of a provider's key.
#[derive(Clone, Debug)]
pub enum KeyChange {
    /// It stays, unless the address changes to another host: then it must be given again.
    Keep,
    Set(Secret),
    Remove,
}

/// All providers, by name.
pub async fn list_providers(tx: &mut TenantTx) -> Result<Vec<Provider>, Error> {
    let rows = sqlx::query!(
        r#"select provider_id, name, wire, base_url, private_allowed, created_at,
                  exists (select from secret s where s.tenant_id = p.tenant_id and s.owner_id = p.provider_id
                          and s.name = $1) as "has_key!"
           from provider p order by name"#,
        API_KEY
    )
    .fetch_all(&mut **tx)
    .await?;
    let providers = rows.into_iter().map(|row| {
        Ok(Provider {
            id: row.provider_id.into(),
            name: row.name,
            wire: row.wire.parse()?,
            base_url: row.base_url,
            private_allowed: row.private_allowed,
            has_key: row.has_key,
            created_at: row.created_at,
        })
    });
    providers.collect()
}

pub async fn find_provider(tx: &mut TenantTx, id: ProviderId) -> Result<Provider, Error> {
    list_providers(tx).await?.into_iter().find(|provider| provider.id == id).ok_or(Error::NotFound("provider"))
}

/// Refuses a provider that no call would be let through to.
pub fn check_reach(egress: &Egress, provider: &Provider) -> Result<(), Error> {
    let address = Upstream::base_url(provider.wire, &provider.base_url).filter(|_| provider.wire != Wire::Builtin);
    match address.and_then(|address| egress.objection(&address, reach(provider))) {
        Some(why) => Err(Error::OutOfReach(why)),
        None => Ok(()),
    }
}

/// Makes the provider of this name what `spec` says.
pub async fn upsert_provider(
    tx: &mut TenantTx,
    sealer: &Sealer,
    spec: &ProviderSpec,
) -> Result<Written<ProviderId>, Error> {
    let found = list_providers(tx).await?.into_iter().find(|provider| provider.name == spec.name);
    match found {
        Some(provider) => update_provider(tx, sealer, provider.id, spec).await,
        None => {
            check(spec)?;
            let id = ProviderId::new();
            sqlx::query!(
                "insert into provider (tenant_id, provider_id, name, wire, base_url, private_allowed)
                 values ($1, $2, $3, $4, $5, $6)",
                tx.tenant().as_uuid(),
                id.as_uuid(),
                spec.name,
                spec.wire.as_str(),
                spec.base_url.trim(),
                spec.private_allowed
            )
            .execute(&mut **tx)
            .await?;
            write_key(tx, sealer, id, &spec.api_key).await?;
            Written::new(tx, id, Change::Created).await
        }
    }
}

/// Makes this provider what `spec` says, its name included; groups that name it follow the new name.
pub async fn update_provider(
    tx: &mut TenantTx,
    sealer: &Sealer,
    id: ProviderId,
    spec: &ProviderSpec,
) -> Result<Written<ProviderId>, Error> {
    let old = find_provider(tx, id).await?;
    check(spec)?;
    let same_host = origin(old.wire, &old.base_url) == origin(spec.wire, &spec.base_url);
    if old.has_key && !same_host && matches!(spec.api_key, KeyChange::Keep) {
        return Err(Error::KeyForAnotherHost);
    }
    let private_allowed = spec.private_allowed || (old.private_allowed && same_host);
    let key_changed = write_key(tx, sealer, id, &spec.api_key).await?;
    let (name, base_url) = (spec.name.as_str(), spec.base_url.trim());
    let was = (old.name.as_str(), old.wire, old.base_url.as_str(), old.private_allowed);
    if was == (name, spec.wire, base_url, private_allowed) {
        let change = if key_changed { Change::Updated } else { Change::Unchanged };
        return Written::new(tx, id, change).await;
    }
    sqlx::query!(
        "update provider set name = $2, wire = $3, base_url = $4, private_allowed = $5 where provider_id = $1",
        id.as_uuid(),
        name,
        spec.wire.as_str(),
        base_url,
        private_allowed
    )
    .execute(&mut **tx)
    .await?;
    if old.name != name {
        rename_in_groups(tx, &old.name, name).await?;
    }
    Written::new(tx, id, Change::Updated).await
}

/// Refused while a model group names it. Answers the configuration epoch to wait for.
pub async fn delete_provider(tx: &mut TenantTx, id: ProviderId) -> Result<i64, Error> {
    let name = find_provider(tx, id).await?.name;
    let user = sqlx::query_scalar!(
        "select name from model_group where models @> jsonb_build_array(jsonb_build_object('provider', $1::text))
         order by name limit 1",
        name
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(group) = user {
        return Err(Error::InUse { what: "provider", name, by: format!("the model group `{group}`") });
    }
    secrets::delete_all_of(tx, id.as_uuid()).await?;
    sqlx::query!("delete from provider where provider_id = $1", id.as_uuid()).execute(&mut **tx).await?;
    Ok(db::bump_config_epoch(tx).await?)
}

/// All providers with their keys.
pub(super) async fn load_upstreams(tx: &mut TenantTx, sealer: &Sealer, watch: &Watch) -> Result<Vec<Upstream>, Error> {
    let mut upstreams = Vec::new();
    for provider in list_providers(tx).await? {
        let key = match provider.has_key {
            true => secrets::get(tx, sealer, provider.id.as_uuid(), API_KEY).await?,
            false => None,
        };
        upstreams.push(Upstream {
            base: Upstream::base_url(provider.wire, &provider.base_url),
            reach: reach(&provider),
            id: provider.id,
            name: provider.name,
            wire: provider.wire,
            gate: watch.gate(provider.id, key.as_ref()),
            key,
        });
    }
    Ok(upstreams)
}

fn reach(provider: &Provider) -> Reach {
    if provider.private_allowed { Reach::Private } else { Reach::Public }
}

/// Answers whether anything changed.
async fn write_key(tx: &mut TenantTx, sealer: &Sealer, id: ProviderId, key: &KeyChange) -> Result<bool, Error> {
    let old = secrets::get(tx, sealer, id.as_uuid(), API_KEY).await?;
    match key {
        KeyChange::Set(key) if old.as_ref() != Some(key) => {
            secrets::put(tx, sealer, id.as_uuid(), API_KEY, key).await?;
            Ok(true)
        }
        KeyChange::Remove if old.is_some() => {
            secrets::delete_all_of(tx, id.as_uuid()).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn rename_in_groups(tx: &mut TenantTx, old: &str, new: &str) -> Result<(), Error> {
    sqlx::query!(
        "update model_group set models = (
             select jsonb_agg(case when m ->> 'provider' = $1 then m || jsonb_build_object('provider', $2::text) else m end
                              order by n)
             from jsonb_array_elements(models) with ordinality as e (m, n))
         where models @> jsonb_build_array(jsonb_build_object('provider', $1::text))",
        old,
        new
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn check(spec: &ProviderSpec) -> Result<(), Error> {
    check_name(&spec.name)?;
    let invalid = |why: &str| Err(Error::Invalid(why.to_owned()));
    if let KeyChange::Set(key) = &spec.api_key
        && (key.expose().is_empty() || !key.expose().bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return invalid("an API key holds printable characters without spaces");
    }
    let base_url = spec.base_url.trim();
    if base_url.is_empty() {
        return Ok(());
    }
    if spec.wire == Wire::Builtin {
        return invalid("the built-in model has no address");
    }
    match base_url.parse::<Url>() {
        Err(_) => invalid("base_url is no URL: it begins with https:// or http://"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => invalid("base_url begins with https:// or http://"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            invalid("base_url must not hold a user name or password; the key belongs into api_key")
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            invalid("base_url must not have a query or fragment")
        }
        Ok(_) => Ok(()),
    }
}

/// Scheme, host and port: what a key is given for.
fn origin(wire: Wire, base_url: &str) -> Option<url::Origin> {
    Upstream::base_url(wire, base_url).map(|url| url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(base_url: &str, key: Option<&str>) -> ProviderSpec {
        ProviderSpec {
            name: "vllm".into(),
            wire: Wire::OpenaiChat,
            base_url: base_url.into(),
            private_allowed: false,
            api_key: key.map_or(KeyChange::Keep, |key| KeyChange::Set(key.into())),
        }
    }

    #[test]
    fn addresses_and_keys_are_checked_before_they_are_stored() {
        for good in ["", " ", "https://api.example.org/v1", "http://127.0.0.1:9001/v1"] {
            assert!(check(&spec(good, Some("sk-1"))).is_ok(), "{good}");
        }
        for bad in ["api.example.org", "ftp://x/", "http://user:pw@x/", "http://x/?key=1", "http://x/#a"] {
            assert!(check(&spec(bad, None)).is_err(), "{bad}");
        }
        for bad in ["", "sk 1", "sk\n1", "schlüssel"] {
            assert!(check(&spec("", Some(bad))).is_err(), "{bad}");
        }
        for bad in ["", "-x", "a/b", "a b", &"x".repeat(64)] {
            assert!(check(&ProviderSpec { name: bad.into(), ..spec("", None) }).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_given_for_scheme_host_and_port() {
        let same = |a: &str, b: &str| origin(Wire::OpenaiChat, a) == origin(Wire::OpenaiChat, b);
        assert!(same("", "https://api.openai.com/v1/other"));
        assert!(!same("https://a.example/v1", "http://a.example/v1"));
        assert!(!same("https://a.example/v1", "https://a.example:8443/v1"));
        assert!(!same("https://a.example/v1", "https://b.example/v1"));
    }
}
