use chrono::{DateTime, Utc};
use db::TenantTx;
use kernel::PriceId;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{Change, Written, list_providers};
use crate::error::Error;
use crate::prices::{Imported, Price, PriceBook, Rate, Rates};

/// The most prices of its own that an organisation has.
pub const MAX_PRICES: usize = 2_000;
/// More tokens than any model takes or gives.
const MOST_TOKENS: u64 = 1_000_000_000;

/// A price that an organisation set itself.
#[derive(Clone, Debug, Serialize)]
pub struct OwnPrice {
    pub id: PriceId,
    /// The provider's name.
    pub provider: String,
    pub model: String,
    pub price: Price,
    pub created_at: DateTime<Utc>,
}

/// What a price is to be, in USD per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSpec {
    pub provider: String,
    pub model: String,
    pub input_per_million: Rate,
    pub output_per_million: Rate,
    /// As other tokens of the prompt where left out.
    pub cache_read_per_million: Option<Rate>,
    /// As other tokens of the prompt where left out.
    pub cache_write_per_million: Option<Rate>,
    pub max_output_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

impl PriceSpec {
    fn price(&self) -> Price {
        let cache_write = self.cache_write_per_million.unwrap_or(self.input_per_million);
        let rates = Rates {
            input: self.input_per_million,
            output: self.output_per_million,
            cache_read: Some(self.cache_read_per_million.unwrap_or(self.input_per_million)),
            cache_write: Some(cache_write),
            cache_write_1h: Some(cache_write),
        };
        Price::of(rates).within(self.max_output_tokens, self.context_tokens)
    }
}

/// All prices of the organisation's own, by provider and model.
pub async fn list_prices(tx: &mut TenantTx) -> Result<Vec<OwnPrice>, Error> {
    let rows = sqlx::query!(
        r#"select price_id, provider, model, price as "price: Json<Price>", created_at
           from price order by provider, model"#
    )
    .fetch_all(&mut **tx)
    .await?;
    let prices = rows.into_iter().map(|row| OwnPrice {
        id: row.price_id.into(),
        provider: row.provider,
        model: row.model,
        price: row.price.0,
        created_at: row.created_at,
    });
    Ok(prices.collect())
}

pub async fn find_price(tx: &mut TenantTx, id: PriceId) -> Result<OwnPrice, Error> {
    list_prices(tx).await?.into_iter().find(|price| price.id == id).ok_or(Error::NotFound("price"))
}

/// Sets the price of this provider's model to what `spec` says.
pub async fn upsert_price(tx: &mut TenantTx, spec: &PriceSpec) -> Result<Written<PriceId>, Error> {
    check_price(spec)?;
    check_provider(tx, &spec.provider).await?;
    let (id, change) = put(tx, &spec.provider, &spec.model, &spec.price()).await?;
    check_room(tx).await?;
    Written::new(tx, id, change).await
}

/// Sets many prices; answers how many were new or other than before, and the configuration epoch to wait for.
pub async fn import_prices(tx: &mut TenantTx, prices: &[Imported]) -> Result<(usize, i64), Error> {
    let mut changed = 0;
    for Imported { provider, model, price } in prices {
        let (_, change) = put(tx, provider, model, price).await?;
        changed += usize::from(change != Change::Unchanged);
    }
    check_room(tx).await?;
    Ok((changed, db::bump_config_epoch(tx).await?))
}

/// Lets the table's price hold again. Answers the configuration epoch to wait for.
pub async fn delete_price(tx: &mut TenantTx, id: PriceId) -> Result<i64, Error> {
    let gone = sqlx::query!("delete from price where price_id = $1", id.as_uuid()).execute(&mut **tx).await?;
    if gone.rows_affected() == 0 {
        return Err(Error::NotFound("price"));
    }
    Ok(db::bump_config_epoch(tx).await?)
}

/// Everything that a call needs to know of prices.
pub(super) async fn load_prices(tx: &mut TenantTx) -> Result<PriceBook, Error> {
    let own = list_prices(tx).await?.into_iter();
    Ok(PriceBook::new(own.map(|own| (own.provider, own.model, own.price))))
}

async fn put(tx: &mut TenantTx, provider: &str, model: &str, price: &Price) -> Result<(PriceId, Change), Error> {
    let found = sqlx::query!(
        r#"select price_id, price as "price: Json<Price>" from price where provider = $1 and model = $2"#,
        provider,
        model
    )
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(found) = found {
        let id = PriceId::from(found.price_id);
        if found.price.0 == *price {
            return Ok((id, Change::Unchanged));
        }
        sqlx::query!("update price set price = $2 where price_id = $1", id.as_uuid(), Json(price) as _)
            .execute(&mut **tx)
            .await?;
        return Ok((id, Change::Updated));
    }
    let id = PriceId::new();
    sqlx::query!(
        "insert into price (tenant_id, price_id, provider, model, price) values ($1, $2, $3, $4, $5)",
        tx.tenant().as_uuid(),
        id.as_uuid(),
        provider,
        model,
        Json(price) as _
    )
    .execute(&mut **tx)
    .await?;
    Ok((id, Change::Created))
}

/// Refuses what no model is called or no model takes.
pub fn check_price(spec: &PriceSpec) -> Result<(), Error> {
    if spec.model.trim().is_empty() || spec.model.len() > 200 {
        return Err(Error::Invalid("a model's name has 1 to 200 characters".to_owned()));
    }
    let limits = [spec.max_output_tokens, spec.context_tokens];
    if limits.into_iter().flatten().any(|tokens| tokens == 0 || tokens > MOST_TOKENS) {
        return Err(Error::Invalid(format!("a model takes and gives between 1 and {MOST_TOKENS} tokens")));
    }
    Ok(())
}

async fn check_provider(tx: &mut TenantTx, name: &str) -> Result<(), Error> {
    let known: Vec<_> = list_providers(tx).await?.into_iter().map(|provider| provider.name).collect();
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    Err(Error::Invalid(format!("there is no provider `{name}`; there are {}", known.join(", "))))
}

async fn check_room(tx: &mut TenantTx) -> Result<(), Error> {
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from price"#).fetch_one(&mut **tx).await?;
    match usize::try_from(count) {
        Ok(count) if count <= MAX_PRICES => Ok(()),
        _ => Err(Error::Invalid(format!("an organisation has at most {MAX_PRICES} prices of its own, not {count}"))),
    }
}
