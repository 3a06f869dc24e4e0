use super::*;
use crate::model::Wire;

fn usage(input: u64, cache_read: u64, cache_write: u64, output: u64) -> TokenUsage {
    TokenUsage { input, cache_read, cache_write, output, ..TokenUsage::default() }
}

fn price(model: &str) -> Price {
    PriceBook::default()
        .of("p", Wire::OpenaiChat, Place::Elsewhere, model)
        .unwrap_or_else(|| panic!("{model}"))
        .as_ref()
        .clone()
}

fn dollars(text: &str) -> Option<Usd> {
    Some(Usd::ceil(text.parse().unwrap()))
}

#[test]
fn cached_tokens_have_prices_of_their_own() {
    let sonnet = price("claude-sonnet-4-6");
    assert_eq!(sonnet.cost(&usage(1_000, 10_000, 2_000, 500)), dollars("0.021"), "0.003 + 0.003 + 0.0075 + 0.0075");
    let hour = TokenUsage { cache_write_1h: 1_500, ..usage(0, 0, 2_000, 0) };
    assert_eq!(sonnet.cost(&hour), dollars("0.010875"), "1,500 for an hour, 500 for five minutes");
}

#[test]
fn a_long_prompt_has_prices_of_its_own_for_the_whole_call() {
    let gpt = price("gpt-5.4");
    assert_eq!(gpt.cost(&usage(272_000, 0, 0, 1_000)), dollars("0.695"));
    assert_eq!(gpt.cost(&usage(272_000, 1, 0, 1_000)), dollars("1.3825005"));
}

#[test]
fn a_batch_has_prices_of_its_own() {
    let gpt = price("gpt-5.4");
    assert_eq!(gpt.batch_cost(&usage(1_000_000, 0, 0, 0)), dollars("2.5"), "the long prompt's, halved");
    assert_eq!(price("gpt-3.5-turbo").batch_cost(&usage(1, 0, 0, 0)), None);
}

#[test]
fn a_rerankers_searches_are_paid_for() {
    let rerank = price("rerank-v3.5");
    let searches = |searches| TokenUsage { searches, ..TokenUsage::default() };
    assert_eq!(rerank.cost(&searches(3)), dollars("0.006"));
    assert_eq!(rerank.cost(&searches(0)), dollars("0.002"), "one that does not count made one");
    assert_eq!(price("gpt-5.4").cost(&searches(1)), None);
}

#[test]
fn what_is_not_known_has_no_cost() {
    assert_eq!(PriceBook::default().of("p", Wire::OpenaiChat, Place::Elsewhere, "scripted-1"), None);
    assert_eq!(price("claude-fable-5-2").cost(&usage(1, 1, 0, 1)), None, "its cache has no known price");
}

#[test]
fn a_bound_is_never_less_than_the_cost_of_what_it_bounds() {
    let prompts = [0, 1, 99_999, 100_001, 199_999, 200_001, 272_001, 1_000_000];
    for row in listed() {
        for prompt in prompts {
            let bound = row.price.bound(prompt, 1_000);
            for spent in [
                usage(prompt, 0, 0, 1_000),
                usage(prompt / 2, prompt / 4, prompt / 4, 10),
                TokenUsage { cache_write_1h: prompt, ..usage(0, 0, prompt, 1_000) },
            ] {
                let cost = row.price.cost(&spent);
                assert!(cost.is_none_or(|cost| cost <= bound), "{} {spent:?}: {cost:?} > {bound:?}", row.model);
            }
        }
    }
}

#[test]
fn sums_are_exact_and_rounded_once() {
    let rates = Rates { input: Rate::per_million("0.0275".parse().unwrap()).unwrap(), ..Rates::default() };
    let cost = |tokens| Price::of(rates).cost(&usage(tokens, 0, 0, 0)).map(Usd::nanos);
    assert_eq!((cost(1), cost(2), cost(1_000)), (Some(28), Some(55), Some(27_500)));
    assert!(cost(u64::MAX).is_some());
}

#[test]
fn a_price_is_written_as_it_is_read() {
    for row in listed() {
        let written = serde_json::to_value(&*row.price).unwrap();
        assert_eq!(serde_json::from_value::<Price>(written).unwrap(), *row.price, "{}", row.model);
    }
}

#[test]
fn rates_are_checked() {
    let rate = |text: &str| Rate::per_million(text.parse().unwrap());
    assert!(["0", "0.000001", "1000000"].into_iter().all(|text| rate(text).is_some()));
    assert!(["-1", "0.0000001", "1000001"].into_iter().all(|text| rate(text).is_none()));
}
