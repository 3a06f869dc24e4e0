// The cases of openai-node.

import { asked, counting, eventually, given, rejects, require, run, same, upstream } from "./cases.mjs";

const OpenAI = require("openai");
const { zodResponseFormat } = require("openai/helpers/zod");
const { z } = require("zod");

const options = { baseURL: given.openai_url, apiKey: given.key, fetch: counting };
const client = new OpenAI(options);
const once = new OpenAI({ ...options, maxRetries: 0 });

const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "weather", description: "The weather.", parameters } }];
const Weather = z.object({ city: z.string(), degrees: z.number() });

const chatOf = (model, text, more = {}) => ({ model, messages: [{ role: "user", content: text }], ...more });
const called = (calls) => calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
const both = [
  ["weather", { city: "Paris" }],
  ["weather", { city: "Oslo" }],
];

async function drain(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

await run({
  async chat(model) {
    const answer = await client.chat.completions.create(chatOf(model, "hello"));
    same(answer.choices[0].message.content, "Hello there, dear world.");
    same([answer.choices[0].finish_reason, answer.usage.total_tokens], ["stop", 18]);
  },

  async chat_stream(model) {
    const chunks = await drain(await client.chat.completions.create(chatOf(model, "hello", { stream: true })));
    same(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""), "Hello there, dear world.");
    same(chunks.filter((chunk) => chunk.usage), []);
  },

  async chat_stream_helper(model) {
    const stream_options = { include_usage: true };
    const answer = await client.chat.completions.stream(chatOf(model, "hello", { stream_options })).finalChatCompletion();
    same(answer.choices[0].message.content, "Hello there, dear world.");
    same(answer.usage.total_tokens, 18);
  },

  async chat_tool(model) {
    const question = chatOf(model, "one tool", { tools });
    const { message } = (await client.chat.completions.create(question)).choices[0];
    same(called(message.tool_calls), both.slice(0, 1));
    const told = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "21 degrees" };
    question.messages.push(message, told);
    const last = await client.chat.completions.create(question);
    same(last.choices[0].message.content.includes("21 degrees"), true);
  },

  async chat_parallel_tools_stream(model) {
    const answer = await client.chat.completions.stream(chatOf(model, "two tools", { tools })).finalChatCompletion();
    const { finish_reason, message } = answer.choices[0];
    same(called(message.tool_calls), both);
    same([finish_reason, new Set(message.tool_calls.map((call) => call.id)).size], ["tool_calls", 2]);
  },

  async chat_parse(model) {
    const response_format = zodResponseFormat(Weather, "weather");
    const answer = await client.chat.completions.parse(chatOf(model, "structured", { response_format }));
    same(answer.choices[0].message.parsed, { city: "Paris", degrees: 21 });
  },

  async responses(model) {
    const answer = await client.responses.create({ model, input: "hello" });
    same([answer.output_text, answer.status, answer.usage.output_tokens], ["Hello there, dear world.", "completed", 7]);
  },

  async responses_stream(model) {
    const stream = client.responses.stream({ model, input: "hello" });
    const kinds = (await drain(stream)).map((event) => event.type);
    same([kinds[0], kinds.at(-1)], ["response.created", "response.completed"]);
    same((await stream.finalResponse()).output_text, "Hello there, dear world.");
  },

  async responses_tool(model) {
    const own = [{ type: "function", name: "weather", parameters, strict: true }];
    const answer = await client.responses.stream({ model, input: "two tools", tools: own }).finalResponse();
    const calls = answer.output.filter((item) => item.type === "function_call");
    same(calls.map((call) => JSON.parse(call.arguments).city), ["Paris", "Oslo"]);
  },

  async embeddings(model) {
    const answer = await client.embeddings.create({ model, input: ["a", "bcd"] });
    same(answer.data.map((one) => [one.index, one.embedding.length]), [[0, 8], [1, 8]]);
    same(answer.data[0].embedding[0] < answer.data[1].embedding[0], true);
  },

  async models(model) {
    same((await drain(client.models.list())).some((one) => one.id === model), true);
  },

  async wrong_key(model) {
    const stranger = new OpenAI({ ...options, apiKey: "sk-of-nobody-at-all-0000" });
    const error = await rejects(OpenAI.AuthenticationError, () => stranger.chat.completions.create(chatOf(model, "hello")));
    same(error.code, "invalid_api_key");
  },

  async unknown_model() {
    const error = await rejects(OpenAI.NotFoundError, () => client.chat.completions.create(chatOf("nothing", "hello")));
    same(error.code, "model_not_found");
  },

  async error_400(model) {
    await rejects(OpenAI.BadRequestError, () => once.chat.completions.create(chatOf(model, "fail 400")));
    same(await asked(() => client.chat.completions.create(chatOf(model, "fail 400"))), 1);
  },

  async error_429(model) {
    await rejects(OpenAI.RateLimitError, () => once.chat.completions.create(chatOf(model, "too many")));
    same(await asked(() => client.chat.completions.create(chatOf(model, "too many"))), 3);
  },

  async error_500(model) {
    await rejects(OpenAI.InternalServerError, () => once.chat.completions.create(chatOf(model, "fail 500")));
    same(await asked(() => client.chat.completions.create(chatOf(model, "fail 500"))), 3);
  },

  async error_mid_stream(model) {
    const stream = await once.chat.completions.create(chatOf(model, "breaks", { stream: true }));
    await rejects(OpenAI.APIError, () => drain(stream));
  },

  async abort(model) {
    const before = (await upstream()).abandoned;
    const stream = await client.chat.completions.create(chatOf(model, "endless", { stream: true }));
    let seen = 0;
    for await (const _ of stream) if ((seen += 1) === 5) break;
    await eventually(async () => (await upstream()).abandoned === before + 1);
  },

  async rate_limit(model) {
    const hurried = new OpenAI({ ...options, apiKey: given.keys.slow[model], maxRetries: 0 });
    await hurried.chat.completions.create(chatOf(model, "hello"));
    const error = await rejects(OpenAI.RateLimitError, () => hurried.chat.completions.create(chatOf(model, "hello")));
    same([error.code, Number(error.headers.get("retry-after-ms")) > 0], ["rate_limit_exceeded", true]);
  },

  async budget_spent(model) {
    const poor = new OpenAI({ ...options, apiKey: given.keys.poor });
    const error = await rejects(OpenAI.RateLimitError, () => poor.chat.completions.create(chatOf(model, "hello")));
    same([error.code, error.headers.get("x-should-retry")], ["insufficient_quota", "false"]);
    same(await asked(() => poor.chat.completions.create(chatOf(model, "hello"))), 1);
  },
});
