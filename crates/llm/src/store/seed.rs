use db::TenantTx;
use infra::Sealer;

use super::{GroupSpec, KeyChange, ProviderSpec, list_groups, list_providers, upsert_group, upsert_provider};
use crate::error::Error;
use crate::group::Member;
use crate::model::{ModelRef, Wire};

/// What a new organisation begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// "quality": Anthropic, then OpenAI, as soon as they have keys; falls back to "fast": a local Ollama.
    Standard,
    /// The same, but without a key "quality" ends with the built-in offline model, so that there is always an answer.
    Demo,
}

/// Gives an organisation the shipped providers and groups; what has one of their names is overwritten, keys stay.
/// Answers the configuration epoch to wait for.
pub async fn seed_defaults(tx: &mut TenantTx, sealer: &Sealer, seed: Seed) -> Result<i64, Error> {
    let mut providers = vec![("anthropic", Wire::Anthropic), ("openai", Wire::OpenaiChat), ("ollama", Wire::Ollama)];
    let mut quality = vec![model("anthropic", "claude-sonnet-5-5"), model("openai", "gpt-5.4")];
    let mut fallbacks = vec!["fast".to_owned()];
    if seed == Seed::Demo {
        providers.push(("builtin", Wire::Builtin));
        quality.push(model("builtin", "quotes"));
        fallbacks.clear();
    }
    for (name, wire) in providers {
        let spec = ProviderSpec {
            name: name.to_owned(),
            wire,
            base_url: String::new(),
            // Ollama's default address is this machine.
            private_allowed: wire == Wire::Ollama,
            api_key: KeyChange::Keep,
        };
        upsert_provider(tx, sealer, &spec).await?;
    }
    let fast = GroupSpec { name: "fast".to_owned(), models: vec![model("ollama", "llama3.2")], ..GroupSpec::default() };
    upsert_group(tx, &fast).await?;
    let quality = GroupSpec { name: "quality".to_owned(), models: quality, fallbacks, ..GroupSpec::default() };
    upsert_group(tx, &quality).await?;
    Ok(db::bump_config_epoch(tx).await?)
}

/// Gives an organisation that has neither a provider nor a group the shipped ones: a new one, or one whose making was
/// cut off before this. Answers whether it did.
pub async fn seed_where_bare(tx: &mut TenantTx, sealer: &Sealer, seed: Seed) -> Result<bool, Error> {
    let bare = list_providers(tx).await?.is_empty() && list_groups(tx).await?.is_empty();
    if bare {
        seed_defaults(tx, sealer, seed).await?;
    }
    Ok(bare)
}

fn model(provider: &str, model: &str) -> Member {
    Member::new(ModelRef { provider: provider.to_owned(), model: model.to_owned() })
}
