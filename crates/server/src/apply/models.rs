use llm::ModelRef;
use llm::store::{GroupSpec, KeyChange, ProviderSpec, check_reach, find_provider, upsert_group, upsert_provider};

use super::Work;
use super::diff::Change;
use super::document::{ModelGroupDocument, ProviderDocument};

impl Work<'_> {
    /// The operator's provider may lie in a private network.
    pub(super) async fn provider(&self, wanted: &ProviderDocument) -> anyhow::Result<Change> {
        let spec = ProviderSpec {
            name: wanted.name.clone(),
            wire: wanted.wire.parse()?,
            base_url: wanted.base_url.clone(),
            private_allowed: true,
            api_key: wanted.api_key.clone().map_or(KeyChange::Keep, KeyChange::Set),
        };
        let mut tx = self.house.db.tenant(self.tenant(&wanted.organisation).await?).await?;
        let written = upsert_provider(&mut tx, &self.house.sealer, &spec).await?;
        check_reach(&self.house.egress, &find_provider(&mut tx, written.id).await?)?;
        tx.commit().await?;
        Ok(written.change.into())
    }

    pub(super) async fn model_group(&self, wanted: &ModelGroupDocument) -> anyhow::Result<Change> {
        let models = wanted.models.iter();
        let spec = GroupSpec {
            name: wanted.name.clone(),
            models: models.map(|it| ModelRef { provider: it.provider.clone(), model: it.model.clone() }).collect(),
            fallbacks: wanted.fallbacks.clone(),
        };
        let mut tx = self.house.db.tenant(self.tenant(&wanted.organisation).await?).await?;
        let written = upsert_group(&mut tx, &spec).await?;
        tx.commit().await?;
        Ok(written.change.into())
    }
}
