//! What an organisation has: its providers with their keys, and its model groups.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use infra::Reach;
use kernel::{ProviderId, Secret};
use url::Url;

use super::health::Gate;
use super::route::Needs;
use crate::group::{Member, Routing};
use crate::model::{ModelRef, TokenUsage, Wire};
use crate::prices::{Place, Price, PriceBook};
use crate::providers::adapter;
use crate::usd::Usd;

/// One organisation's providers and groups, ready for use; kept until the configuration changes.
#[derive(Default)]
pub(crate) struct Catalogue {
    providers: HashMap<String, Arc<Upstream>>,
    groups: HashMap<String, Group>,
    prices: PriceBook,
}

/// A provider with all that a call needs.
pub(crate) struct Upstream {
    pub(crate) id: ProviderId,
    pub(crate) name: String,
    pub(crate) wire: Wire,
    /// None where what was configured is no URL.
    pub(crate) base: Option<Url>,
    pub(crate) reach: Reach,
    /// Goes to `base` and nowhere else.
    pub(crate) key: Option<Secret>,
    /// How it does, whatever the configuration.
    pub(crate) gate: Arc<Gate>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) models: Vec<Member>,
    pub(crate) fallbacks: Vec<String>,
    pub(crate) routing: Arc<Routing>,
}

/// One model that may be asked.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) model: String,
    /// What its calls cost; `None` where that is not known.
    pub(crate) price: Option<Arc<Price>>,
}

/// A name that a request may give as its model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Of a group, or `provider/model`.
    pub(crate) name: String,
    /// The provider, or who makes groups.
    pub(crate) owner: String,
}

/// What a name stands for.
#[derive(Default)]
pub(crate) struct Resolved {
    /// A group's models, then those of each group that it falls back to.
    pub(crate) stages: Vec<Stage>,
    /// Why others are left out, for people.
    pub(crate) skipped: Vec<String>,
    /// There is something of this name.
    pub(crate) known: bool,
    /// How many seconds an answer may serve others who ask the same.
    pub(crate) keeps: Option<u32>,
}

/// The models of one group that can be called.
pub(crate) struct Stage {
    pub(crate) routing: Arc<Routing>,
    /// With their weights, as they are listed.
    pub(crate) targets: Vec<(Target, u32)>,
}

impl Catalogue {
    pub(crate) fn new(upstreams: Vec<Upstream>, groups: Vec<(String, Group)>, prices: PriceBook) -> Self {
        let providers = upstreams.into_iter().map(|upstream| (upstream.name.clone(), Arc::new(upstream))).collect();
        Self { providers, groups: groups.into_iter().collect(), prices }
    }

    /// `name` is a group's, or `provider/model`. A group's models come first, then those of its fallbacks, theirs after
    /// them; each group and model once. Where the work is simple, the group named for it goes before all.
    pub(crate) fn resolve(&self, name: &str, needs: Needs) -> Resolved {
        if let Some((provider, model)) = name.split_once('/') {
            return self.resolve_model(provider, model);
        }
        let named = self.groups.get(name);
        let keeps = named.and_then(|group| group.routing.cache_seconds);
        let mut resolved = Resolved { known: named.is_some(), keeps, ..Resolved::default() };
        let mut seen = HashSet::new();
        let simple = named.and_then(|group| group.routing.simple.as_ref());
        if let Some(simple) = simple.filter(|simple| simple.covers(needs.input_tokens, needs.tools))
            && let Some(group) = self.groups.get(&simple.group)
        {
            self.stage(group, &mut seen, &mut resolved);
        }
        self.collect(name, &mut HashSet::new(), &mut seen, &mut resolved);
        resolved
    }

    pub(crate) fn upstream(&self, id: ProviderId) -> Option<Arc<Upstream>> {
        self.providers.values().find(|upstream| upstream.id == id).cloned()
    }

    fn resolve_model(&self, provider: &str, model: &str) -> Resolved {
        let known = self.providers.contains_key(provider) && !model.is_empty();
        let mut resolved = Resolved { known, ..Resolved::default() };
        if known {
            let model = ModelRef { provider: provider.to_owned(), model: model.to_owned() };
            let group = Group { models: vec![Member::new(model)], ..Group::default() };
            self.stage(&group, &mut HashSet::new(), &mut resolved);
        }
        resolved
    }

    /// All groups, then all models that stand in one, each by name.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let models: BTreeSet<&ModelRef> =
            self.groups.values().flat_map(|group| &group.models).map(|it| &it.model).collect();
        let groups: BTreeSet<&String> = self.groups.keys().collect();
        let group = |name: &String| Offer { name: name.clone(), owner: "konstruct".to_owned() };
        let model = |model: &ModelRef| Offer { name: model.to_string(), owner: model.provider.clone() };
        groups.into_iter().map(group).chain(models.into_iter().map(model)).collect()
    }

    fn collect<'a>(
        &'a self,
        name: &'a str,
        visited: &mut HashSet<&'a str>,
        seen: &mut HashSet<&'a ModelRef>,
        resolved: &mut Resolved,
    ) {
        let Some(group) = self.groups.get(name).filter(|_| visited.insert(name)) else { return };
        self.stage(group, seen, resolved);
        for fallback in &group.fallbacks {
            self.collect(fallback, visited, seen, resolved);
        }
    }

    fn stage<'a>(&self, group: &'a Group, seen: &mut HashSet<&'a ModelRef>, resolved: &mut Resolved) {
        let mut targets = Vec::with_capacity(group.models.len());
        for Member { model, weight } in group.models.iter().filter(|member| seen.insert(&member.model)) {
            match self.target(model) {
                Ok(target) => targets.push((target, *weight)),
                Err(why) => resolved.skipped.push(format!("{model} {why}")),
            }
        }
        if !targets.is_empty() {
            resolved.stages.push(Stage { routing: Arc::clone(&group.routing), targets });
        }
    }

    fn target(&self, model: &ModelRef) -> Result<Target, &'static str> {
        let upstream = self.providers.get(&model.provider).ok_or("names a provider that does not exist")?;
        let base = upstream.base.as_ref().ok_or("has no usable address")?;
        if upstream.key.is_none() && needs_key(upstream.wire, base) {
            return Err("has no API key yet");
        }
        let price = self.prices.of(&upstream.name, upstream.wire, upstream.place(), &model.model).cloned();
        Ok(Target { upstream: Arc::clone(upstream), model: model.model.clone(), price })
    }
}

impl Upstream {
    /// The address to use for what was configured: the wire's own where nothing was.
    pub(crate) fn base_url(wire: Wire, configured: &str) -> Option<Url> {
        let text = if configured.trim().is_empty() { adapter(wire).default_base_url() } else { configured.trim() };
        text.parse().ok().filter(|url: &Url| !url.cannot_be_a_base())
    }

    /// Where its models run.
    fn place(&self) -> Place {
        Place::of(self.wire, self.base.as_ref(), self.key.is_some())
    }
}

impl Target {
    pub(crate) fn name(&self) -> ModelRef {
        ModelRef { provider: self.upstream.name.clone(), model: self.model.clone() }
    }

    /// Providers repeat the key they were shown, whole or its beginning: it is taken out of their words.
    pub(crate) fn redact(&self, words: &str) -> String {
        const RECOGNISABLE: usize = 8;
        let Some(key) = self.upstream.key.as_ref().map(|key| key.expose()).filter(|key| !key.is_empty()) else {
            return words.to_owned();
        };
        let start: String = key.chars().take(RECOGNISABLE).collect();
        let mut parts = words.split(start.as_str());
        let mut clean = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let more =
                part.chars().zip(key[start.len()..].chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8());
            let echoed: usize = more.sum();
            clean.push_str("***");
            clean.push_str(&part[echoed..]);
        }
        clean
    }

    /// What a call cost; `None` where its price or what it used is not known.
    pub(crate) fn cost(&self, usage: Option<TokenUsage>) -> Option<Usd> {
        let price = self.price.as_ref()?;
        // Free whatever it used.
        usage.map_or_else(|| price.is_free().then_some(Usd::ZERO), |usage| price.cost(&usage))
    }
}

/// The vendors themselves serve nobody without a key; what stands elsewhere (a local vLLM) may.
fn needs_key(wire: Wire, base: &Url) -> bool {
    let vendor = Upstream::base_url(wire, "");
    matches!(wire, Wire::OpenaiChat | Wire::OpenaiResponses | Wire::Anthropic | Wire::Gemini)
        && vendor.is_some_and(|vendor| vendor.host() == base.host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Simple;

    fn upstream(name: &str, wire: Wire, base: &str, key: Option<&str>) -> Upstream {
        let (base, key) = (Upstream::base_url(wire, base), key.map(Secret::from));
        Upstream {
            id: ProviderId::new(),
            name: name.into(),
            wire,
            base,
            reach: Reach::Public,
            key,
            gate: Arc::default(),
        }
    }

    fn group(name: &str, models: &[(&str, &str)], fallbacks: &[&str]) -> (String, Group) {
        let model =
            |(provider, model): &(&str, &str)| ModelRef { provider: (*provider).into(), model: (*model).into() };
        let models = models.iter().map(model).map(Member::new).collect();
        let fallbacks = fallbacks.iter().map(|name| (*name).into()).collect();
        (name.into(), Group { models, fallbacks, ..Group::default() })
    }

    fn names(resolved: &Resolved) -> Vec<String> {
        let targets = resolved.stages.iter().flat_map(|stage| &stage.targets);
        targets.map(|(target, _)| target.name().to_string()).collect()
    }

    fn resolve(catalogue: &Catalogue, name: &str) -> Resolved {
        catalogue.resolve(name, Needs::default())
    }

    fn catalogue(groups: Vec<(String, Group)>) -> Catalogue {
        let upstreams = vec![
            upstream("anthropic", Wire::Anthropic, "", None),
            upstream("openai", Wire::OpenaiChat, "", Some("sk-1")),
            upstream("vllm", Wire::OpenaiChat, "http://10.0.0.7:8000/v1", None),
            upstream("ollama", Wire::Ollama, "", None),
            upstream("broken", Wire::Ollama, "not a url", None),
            upstream("builtin", Wire::Builtin, "", None),
        ];
        Catalogue::new(upstreams, groups, PriceBook::default())
    }

    #[test]
    fn models_come_in_order_and_those_of_fallbacks_after_them() {
        let catalogue = catalogue(vec![
            group("quality", &[("openai", "a"), ("vllm", "b")], &["fast", "last"]),
            group("fast", &[("ollama", "c"), ("openai", "a")], &["last"]),
            group("last", &[("builtin", "quotes")], &[]),
        ]);
        assert_eq!(names(&resolve(&catalogue, "quality")), ["openai/a", "vllm/b", "ollama/c", "builtin/quotes"]);
    }

    #[test]
    fn groups_that_fall_back_on_each_other_come_to_an_end() {
        let catalogue = catalogue(vec![
            group("a", &[("ollama", "1")], &["b", "nowhere"]),
            group("b", &[("ollama", "2")], &["a", "b"]),
        ]);
        assert_eq!(names(&resolve(&catalogue, "a")), ["ollama/1", "ollama/2"]);
        assert!(resolve(&catalogue, "a").known && !resolve(&catalogue, "nowhere").known);
    }

    #[test]
    fn what_cannot_be_called_is_left_out_with_the_reason() {
        let models = [("anthropic", "m"), ("gone", "m"), ("broken", "m"), ("ollama", "m")];
        let resolved = resolve(&catalogue(vec![group("g", &models, &[])]), "g");
        assert_eq!(names(&resolved), ["ollama/m"]);
        assert_eq!(
            resolved.skipped,
            [
                "anthropic/m has no API key yet",
                "gone/m names a provider that does not exist",
                "broken/m has no usable address",
            ]
        );
    }

    #[test]
    fn a_model_can_be_named_with_its_provider_alone() {
        let catalogue = catalogue(vec![]);
        assert_eq!(names(&resolve(&catalogue, "vllm/meta/llama")), ["vllm/meta/llama"]);
        let skipped = resolve(&catalogue, "anthropic/m");
        assert_eq!((skipped.known, skipped.skipped), (true, vec!["anthropic/m has no API key yet".to_owned()]));
        assert!(!resolve(&catalogue, "nobody/m").known && !resolve(&catalogue, "vllm/").known);
    }

    #[test]
    fn simple_work_goes_to_the_group_named_for_it_first() {
        let simple = Simple { group: "fast".into(), max_input_tokens: 500, tools: false };
        let mut quality = group("quality", &[("openai", "a"), ("ollama", "b")], &["last"]);
        quality.1.routing = Arc::new(Routing { simple: Some(simple), ..Routing::default() });
        let catalogue = catalogue(vec![
            quality,
            group("fast", &[("ollama", "b")], &["nowhere"]),
            group("last", &[("builtin", "quotes")], &[]),
        ]);
        let asked = |input_tokens, tools| {
            names(&catalogue.resolve("quality", Needs { input_tokens, tools, ..Needs::default() }))
        };
        assert_eq!(asked(500, false), ["ollama/b", "openai/a", "builtin/quotes"]);
        assert_eq!(asked(501, false), ["openai/a", "ollama/b", "builtin/quotes"]);
        assert_eq!(asked(1, true), ["openai/a", "ollama/b", "builtin/quotes"]);
    }

    #[test]
    fn what_stands_elsewhere_or_takes_a_key_has_no_price_where_none_was_set() {
        for (base, key, free) in [
            ("", None, true),
            ("http://ollama:11434", None, true),
            ("http://models.corp.internal:11434", None, true),
            ("http://[fd00::7]:11434", None, true),
            ("https://ollama.com", None, false),
            ("https://203.0.114.7", None, false),
            ("http://127.0.0.1:11434", Some("a-key"), false),
        ] {
            let at = upstream("ollama", Wire::Ollama, base, key);
            let catalogue = Catalogue::new(vec![at], vec![], PriceBook::default());
            let resolved = resolve(&catalogue, "ollama/gpt-oss:120b");
            assert_eq!(resolved.stages[0].targets[0].0.price.is_some(), free, "{base} {key:?}");
        }
    }
}
