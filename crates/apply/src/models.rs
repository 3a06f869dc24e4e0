use channels::Author;
use db::TenantTx;
use llm::store::{self, KeyChange, PriceSpec, ProviderSpec};
use serde_json::json;
use tenancy::{Access, Permission, audit};

use crate::document::{ModelGroupDocument, PriceDocument, ProviderDocument};
use crate::report::Change;
use crate::{Error, Workshop, author};

impl Workshop {
    /// The operator's provider may lie in a private network.
    pub(crate) async fn provider(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ProviderDocument,
    ) -> Result<Change, Error> {
        access.require(Permission::ModelsWrite, None)?;
        let spec = ProviderSpec {
            name: wanted.name.clone(),
            wire: wanted.wire.parse().map_err(llm::Error::from)?,
            base_url: wanted.base_url.clone(),
            private_allowed: author(access) == Author::Operator,
            api_key: wanted.api_key.clone().map_or(KeyChange::Keep, KeyChange::Set),
        };
        let written = store::upsert_provider(tx, &self.sealer, &spec).await?;
        if written.change != store::Change::Unchanged {
            store::check_reach(&self.egress, &store::find_provider(tx, written.id).await?)?;
            record(tx, access, "provider", written.change, (&written.id.to_string(), &wanted.name)).await?;
        }
        Ok(written.change.into())
    }

    pub(crate) async fn model_group(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &ModelGroupDocument,
    ) -> Result<Change, Error> {
        access.require(Permission::ModelsWrite, None)?;
        let written = store::upsert_group(tx, &wanted.spec()).await?;
        if written.change != store::Change::Unchanged {
            record(tx, access, "model_group", written.change, (&written.id.to_string(), &wanted.name)).await?;
        }
        Ok(written.change.into())
    }

    pub(crate) async fn price(
        &self,
        tx: &mut TenantTx,
        access: &Access,
        wanted: &PriceDocument,
    ) -> Result<Change, Error> {
        access.require(Permission::ModelsWrite, None)?;
        let spec = PriceSpec {
            provider: wanted.provider.clone(),
            model: wanted.model.clone(),
            input_per_million: wanted.input_per_million,
            output_per_million: wanted.output_per_million,
            cache_read_per_million: wanted.cache_read_per_million,
            cache_write_per_million: wanted.cache_write_per_million,
            max_output_tokens: wanted.max_output_tokens,
            context_tokens: wanted.context_tokens,
        };
        let written = store::upsert_price(tx, &spec).await?;
        if written.change != store::Change::Unchanged {
            let (object, detail) =
                (format!("price:{}", written.id), json!({"provider": spec.provider, "model": spec.model}));
            audit::record(tx, &access.actor, "price.set", &object, detail).await?;
        }
        Ok(written.change.into())
    }
}

/// In the words that the API records the same with.
pub(crate) async fn record(
    tx: &mut TenantTx,
    access: &Access,
    kind: &str,
    change: store::Change,
    (id, name): (&str, &str),
) -> Result<(), Error> {
    let verb = if change == store::Change::Created { "create" } else { "change" };
    let (action, object) = (format!("{kind}.{verb}"), format!("{kind}:{id}"));
    Ok(audit::record(tx, &access.actor, &action, &object, json!({ "name": name })).await?)
}
