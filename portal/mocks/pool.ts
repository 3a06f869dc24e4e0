import type { components } from "../src/api/schema";
import { id } from "./data.ts";

type Schemas = components["schemas"];

/** The model pool of the small installation: spending of thirty days, keys, budgets, prices, the health of its models. */
const now = Date.now();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ago = (ms: number) => new Date(now - ms).toISOString();

const MODELS: [name: string, perDay: number, usd: number | null, p50: number][] = [
  ["anthropic/claude-sonnet-5-5", 310, 0.0142, 1460],
  ["openai/gpt-5.5", 190, 0.0201, 1180],
  ["openai/gpt-5.4-mini", 620, 0.0019, 640],
  ["gemini/gemini-3-flash", 260, 0.0011, 520],
  ["router/meta/llama-4-70b", 80, null, 2100],
  ["local/qwen3:8b", 45, 0, 3900],
];

export const providers: Schemas["Provider"][] = [
  { id: id(70), name: "builtin", wire: "builtin", base_url: "", has_key: false, created_at: ago(6 * DAY) },
  { id: id(71), name: "anthropic", wire: "anthropic", base_url: "https://api.anthropic.com", has_key: true, created_at: ago(6 * DAY) },
  { id: id(72), name: "openai", wire: "openai-chat", base_url: "https://api.openai.com/v1", has_key: false, created_at: ago(6 * DAY) },
];

export const groups: Schemas["ModelGroup"][] = [
  {
    id: id(80),
    name: "quality",
    models: [
      { provider: "anthropic", model: "claude-sonnet-4-5", weight: 1 },
      { provider: "openai", model: "gpt-5.1", weight: 1 },
    ],
    fallbacks: ["fast"],
    strategy: "ordered",
    retries: null,
    timeouts: { first_token: null, between_tokens: null, total: null },
    simple: null,
    cache_seconds: null,
    created_at: ago(6 * DAY),
  },
  {
    id: id(81),
    name: "fast",
    models: [{ provider: "builtin", model: "builtin", weight: 1 }],
    fallbacks: [],
    strategy: "latency",
    retries: 2,
    timeouts: { first_token: 10, between_tokens: null, total: null },
    simple: null,
    cache_seconds: null,
    created_at: ago(6 * DAY),
  },
];

/** Always the same, and yet no two days alike. */
function wave(seed: number): number {
  return 0.55 + 0.45 * Math.abs(Math.sin(seed * 12.9898) * Math.cos(seed * 4.1414));
}

function totals(requests: number, usd: number | null): Schemas["Totals"] {
  return {
    requests,
    failed: Math.floor(requests / 90),
    refused: Math.floor(requests / 400),
    aborted: Math.floor(requests / 150),
    cached: Math.floor(requests / 12),
    cost_unknown: usd === null ? requests : 0,
    input_tokens: requests * 2140,
    cache_read_tokens: requests * 900,
    cache_write_tokens: requests * 120,
    output_tokens: requests * 410,
    reasoning_tokens: requests * 90,
    cost_usd: usd === null ? 0 : requests * usd,
  };
}

function sum(all: Schemas["Totals"][]): Schemas["Totals"] {
  const start = totals(0, 0);
  return all.reduce(
    (left, right) => ({
      requests: left.requests + right.requests,
      failed: left.failed + right.failed,
      refused: left.refused + right.refused,
      aborted: left.aborted + right.aborted,
      cached: left.cached + right.cached,
      cost_unknown: left.cost_unknown + right.cost_unknown,
      input_tokens: left.input_tokens + right.input_tokens,
      cache_read_tokens: left.cache_read_tokens + right.cache_read_tokens,
      cache_write_tokens: left.cache_write_tokens + right.cache_write_tokens,
      output_tokens: left.output_tokens + right.output_tokens,
      reasoning_tokens: left.reasoning_tokens + right.reasoning_tokens,
      cost_usd: left.cost_usd + right.cost_usd,
    }),
    start,
  );
}

export function usage(query: URLSearchParams): Schemas["Usage"] {
  const [since, until] = [Date.parse(query.get("since") ?? ago(30 * DAY)), Date.parse(query.get("until") ?? ago(0))];
  const size = query.get("step") === "hour" ? HOUR : DAY;
  const names = query.get("by") === "agent" ? [id(60), id(31), "", id(32), id(33), id(34)] : MODELS.map(([name]) => name);
  const series = [];
  const groups = [];
  for (const [index, [, perDay, usd, p50]] of MODELS.entries()) {
    const name = names[index] ?? "";
    const points = [];
    for (let at = since; at < until && at < now; at += size)
      points.push({
        at: new Date(at).toISOString(),
        name,
        ...totals(Math.round(((perDay * size) / DAY) * wave(at / DAY + index * 7)), usd),
      });
    series.push(...points);
    const latency = { p50, p95: p50 * 3, p99: p50 * 6 };
    groups.push({ name, ...sum(points), latency, first_token: { p50: p50 / 4, p95: p50 / 2, p99: p50 } });
  }
  groups.sort((a, b) => b.cost_usd - a.cost_usd);
  return {
    name: "",
    ...sum(groups),
    latency: { p50: 910, p95: 3400, p99: 7800 },
    first_token: { p50: 260, p95: 700, p99: 1500 },
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    reserved_usd: 0.42,
    unlogged_calls: 12,
    groups,
    series,
  };
}

export const calls: Schemas["ModelCall"][] = Array.from({ length: 24 }, (_, index) => {
  const [name, , usd, p50] = MODELS[index % MODELS.length] ?? MODELS[0] ?? ["", 0, 0, 0];
  const failed = index % 9 === 4;
  const refused = index % 11 === 7;
  return {
    id: id(800 + index),
    at: ago(index * 7 * 60_000),
    protocol: ["internal", "openai-chat", "anthropic", "openai-responses"][index % 4] ?? "internal",
    model_group: index % 5 === 0 ? null : "quality",
    provider: refused ? null : name.slice(0, name.indexOf("/")),
    model: refused ? null : name.slice(name.indexOf("/") + 1),
    outcome: failed ? "failed" : refused ? "refused" : "answered",
    error: failed
      ? "anthropic/claude-sonnet-5-5: 529 overloaded_error: Overloaded. openai/gpt-5.5: 401 Incorrect API key provided"
      : refused
        ? "the budget of key ci for this day is used up"
        : null,
    key_id: index % 4 === 0 ? null : id(90),
    project_id: id(20),
    agent_id: index % 4 === 0 ? id(60) : null,
    conversation_id: index % 4 === 0 ? id(50) : null,
    input_tokens: refused ? null : 1800 + index * 31,
    cache_read_tokens: refused ? null : 900,
    cache_write_tokens: refused ? null : 0,
    output_tokens: refused ? null : 240 + index,
    reasoning_tokens: refused ? null : 60,
    cost_usd: usd === null ? null : refused ? 0 : usd,
    duration_ms: p50 + index * 40,
    first_token_ms: refused ? null : Math.round(p50 / 4),
    attempts: failed ? 3 : refused ? 0 : 1,
    streamed: index % 3 !== 0,
    cached: index === 2,
  };
});

export const virtualKeys: Schemas["VirtualKey"][] = [
  {
    id: id(90),
    name: "ci",
    project_id: null,
    prefix: "vk_8f3a",
    model_groups: ["quality"],
    limits: { requests_per_minute: 600, tokens_per_minute: 2_000_000 },
    created_by: `user:${id(1)}`,
    created_at: ago(20 * DAY),
    disabled_at: null,
    last_used_at: ago(4 * 60_000),
  },
  {
    id: id(91),
    name: "Claude Code of Ada",
    project_id: id(21),
    prefix: "vk_02bc",
    model_groups: [],
    limits: { requests_per_minute: null, tokens_per_minute: null },
    created_by: `user:${id(1)}`,
    created_at: ago(3 * DAY),
    disabled_at: ago(DAY),
    last_used_at: null,
  },
];

function budget(n: number, scope: Partial<Schemas["Budget"]>, usd: number, spent: number, reserved: number): Schemas["Budget"] {
  const reached = [50, 80, 100].filter((percent) => (spent / usd) * 100 >= percent);
  return {
    id: id(n),
    project_id: null,
    agent_id: null,
    virtual_key_id: null,
    period: "month",
    usd,
    on_exceeded: null,
    when_unavailable: "refuse",
    alerts: [50, 80, 100],
    created_at: ago(9 * DAY),
    current: {
      begins: ago(9 * DAY),
      ends: ago(-9 * DAY),
      spent_usd: spent,
      reserved_usd: reserved,
      alerts: reached.map((percent) => ({ percent, at: ago((101 - percent) * HOUR) })),
    },
    ...scope,
  };
}

export const budgets: Schemas["Budget"][] = [
  budget(95, {}, 500, 212.4, 6.2),
  budget(96, { agent_id: id(60), on_exceeded: "offline" }, 100, 84.1, 3),
  budget(97, { virtual_key_id: id(90), period: "day", when_unavailable: "allow" }, 5, 5.02, 0),
];

const RATES: Schemas["TokenRates"] = {
  input_per_million: 2,
  output_per_million: 10,
  cache_read_per_million: 0.1,
  cache_write_per_million: 2.5,
  cache_write_1h_per_million: 4,
};

const tier = { ...RATES, above: 200_000, input_per_million: 4, output_per_million: 20 };
const limits = { search: null, max_output_tokens: 128_000, context_tokens: 1_000_000 };

export const prices: Schemas["Price"][] = [
  { ...RATES, ...limits, id: null, source: "list", provider: null, vendor: "anthropic", model: "claude-sonnet-5-5", tiers: [tier] },
  { ...RATES, ...limits, id: null, source: "list", provider: null, vendor: "openai", model: "gpt-5.5", input_per_million: 5, tiers: [] },
  {
    ...RATES,
    ...limits,
    id: null,
    source: "list",
    provider: null,
    vendor: "openai",
    model: "gpt-5.4-mini",
    input_per_million: 0.75,
    tiers: [],
  },
];

export const pricesInUse: Schemas["PriceInUse"][] = [
  { provider: "anthropic", model: "claude-sonnet-5-5", source: "list", id: null, rates: RATES },
  { provider: "openai", model: "gpt-5.5", source: "own", id: id(99), rates: { ...RATES, input_per_million: 4.5 } },
  { provider: "router", model: "meta/llama-4-70b", source: "unknown", id: null, rates: null },
  { provider: "local", model: "qwen3:8b", source: "free", id: null, rates: { ...RATES, input_per_million: 0, output_per_million: 0 } },
];

const idle = { in_flight: 0, provider_in_flight: 0, provider_limit: 16, calls: 0, failures: 0 };

export const health: Schemas["ModelHealth"][] = [
  {
    provider: "openai",
    model: "gpt-5.1",
    state: "healthy",
    first_token_ms: 420,
    ...idle,
    in_flight: 3,
    calls: 128,
    last_error: null,
    last_error_at: null,
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    state: "open",
    first_token_ms: 1310,
    ...idle,
    calls: 14,
    failures: 12,
    last_error: "529 overloaded_error: Overloaded",
    last_error_at: ago(40_000),
  },
];
