// The cases of anthropic-sdk-typescript.

import { asked, counting, eventually, given, rejects, require, run, same, upstream } from "./cases.mjs";

const Anthropic = require("@anthropic-ai/sdk");
const { zodOutputFormat } = require("@anthropic-ai/sdk/helpers/zod");
const { z } = require("zod");

const options = { baseURL: given.anthropic_url, apiKey: given.key, fetch: counting };
const client = new Anthropic(options);
const once = new Anthropic({ ...options, maxRetries: 0 });

const tools = [
  {
    name: "weather",
    description: "The weather.",
    input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
];
const Weather = z.object({ city: z.string(), degrees: z.number() });

const ask = (model, text, more = {}) => ({
  model,
  max_tokens: 1024,
  messages: [{ role: "user", content: text }],
  ...more,
});
const uses = (message) => message.content.filter((block) => block.type === "tool_use");
const called = (message) => uses(message).map((block) => [block.name, block.input]);
const both = [
  ["weather", { city: "Paris" }],
  ["weather", { city: "Oslo" }],
];

await run({
  async messages(model) {
    const answer = await client.messages.create(ask(model, "hello"));
    same(answer.content.map((block) => block.text), ["Hello there, dear world."]);
    same([answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens], ["end_turn", 11, 7]);
  },

  async stream(model) {
    const stream = client.messages.stream(ask(model, "hello"));
    const texts = [];
    stream.on("text", (text) => texts.push(text));
    const answer = await stream.finalMessage();
    same([texts.join(""), answer.stop_reason], ["Hello there, dear world.", "end_turn"]);
    same(answer.usage.output_tokens, 7);
  },

  async tool(model) {
    const question = ask(model, "one tool", { tools });
    const answer = await client.messages.create(question);
    same([answer.stop_reason, called(answer)], ["tool_use", both.slice(0, 1)]);
    const told = { type: "tool_result", tool_use_id: uses(answer)[0].id, content: "21 degrees" };
    question.messages.push({ role: "assistant", content: answer.content }, { role: "user", content: [told] });
    const last = await client.messages.create(question);
    same(last.content[0].text.includes("21 degrees"), true);
  },

  async parallel_tools(model) {
    const answer = await client.messages.stream(ask(model, "two tools", { tools })).finalMessage();
    same([answer.stop_reason, called(answer)], ["tool_use", both]);
    same(new Set(uses(answer).map((block) => block.id)).size, 2);
  },

  async thinking_then_tool(model) {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    const answer = await client.messages.stream(ask(model, "think", { tools, thinking, max_tokens: 2048 })).finalMessage();
    same(answer.content.map((block) => block.type), ["thinking", "tool_use"]);
    same(answer.content[0].thinking, "Let me think about it.");
  },

  async parse(model) {
    const output_config = { format: zodOutputFormat(Weather) };
    const answer = await client.messages.parse(ask(model, "structured", { output_config }));
    same(answer.parsed_output, { city: "Paris", degrees: 21 });
  },

  async count_tokens(model) {
    const { messages } = ask(model, "hello");
    same((await client.messages.countTokens({ model, messages })).input_tokens > 0, true);
  },

  async wrong_key(model) {
    const stranger = new Anthropic({ ...options, apiKey: "sk-of-nobody-at-all-0000" });
    await rejects(Anthropic.AuthenticationError, () => stranger.messages.create(ask(model, "hello")));
  },

  async unknown_model() {
    await rejects(Anthropic.NotFoundError, () => client.messages.create(ask("nothing", "hello")));
  },

  async error_400(model) {
    await rejects(Anthropic.BadRequestError, () => once.messages.create(ask(model, "fail 400")));
    same(await asked(() => client.messages.create(ask(model, "fail 400"))), 1);
  },

  async error_429(model) {
    await rejects(Anthropic.RateLimitError, () => once.messages.create(ask(model, "too many")));
    same(await asked(() => client.messages.create(ask(model, "too many"))), 3);
  },

  async error_529(model) {
    const error = await rejects(Anthropic.OverloadedError, () => once.messages.create(ask(model, "fail 529")));
    same(error.status, 529);
  },

  async error_mid_stream(model) {
    const stream = once.messages.stream(ask(model, "breaks"));
    const error = await rejects(Anthropic.APIError, () => stream.finalMessage());
    same(/overloaded_error|api_error/.test(JSON.stringify(error.error)), true);
  },

  async abort(model) {
    const before = (await upstream()).abandoned;
    const stream = client.messages.stream(ask(model, "endless"));
    let seen = 0;
    for await (const _ of stream) if ((seen += 1) === 5) break;
    await eventually(async () => (await upstream()).abandoned === before + 1);
  },

  async rate_limit(model) {
    const hurried = new Anthropic({ ...options, apiKey: given.keys.slow[model], maxRetries: 0 });
    await hurried.messages.create(ask(model, "hello"));
    const error = await rejects(Anthropic.RateLimitError, () => hurried.messages.create(ask(model, "hello")));
    same(Number(error.headers.get("retry-after-ms")) > 0, true);
  },

  async budget_spent(model) {
    const poor = new Anthropic({ ...options, apiKey: given.keys.poor });
    const error = await rejects(Anthropic.RateLimitError, () => poor.messages.create(ask(model, "hello")));
    same(error.headers.get("x-should-retry"), "false");
    same(await asked(() => poor.messages.create(ask(model, "hello"))), 1);
  },
});
