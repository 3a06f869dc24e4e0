import type { components } from "../src/api/schema";

type Schemas = components["schemas"];

/** A small installation in memory, for work on pages without a server. Nothing of it is shipped. */
const now = Date.now();
const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
export const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

export const me: Schemas["Me"] = {
  user: { id: id(1), email: "owner@demo.test", display_name: "Dana Osei" },
  operator: true,
  organisations: [
    {
      id: id(10),
      name: "demo",
      display_name: "Demo",
      status: "active",
      role: "owner",
      projects: [
        { id: id(20), name: "default", role: "owner" },
        { id: id(21), name: "website", role: "owner" },
      ],
    },
    {
      id: id(11),
      name: "acme",
      display_name: "Acme Trading",
      status: "suspended",
      role: "admin",
      projects: [{ id: id(22), name: "default", role: "admin" }],
    },
  ],
};

export const organisations: Schemas["OperatedOrganisation"][] = me.organisations.map(({ id: key, name, display_name, status }) => ({
  id: key,
  name,
  display_name,
  status,
  weight: 1,
  max_running: null,
  created_at: ago(60 * 24 * 40),
}));

export const counts: Schemas["OperatedOrganisationDetail"]["counts"] = {
  projects: 2,
  agents: 3,
  connections: 2,
  conversations: 148,
  messages_30d: 2317,
};

export const projects: Schemas["Project"][] = [
  { id: id(20), name: "default", created_at: ago(60 * 24 * 40) },
  { id: id(21), name: "website", created_at: ago(60 * 24 * 3) },
];

export const invitations: Schemas["Invitation"][] = [
  {
    id: id(35),
    email: "new@demo.test",
    role: "member",
    project_id: null,
    invited_by: `user:${id(1)}`,
    created_at: ago(60 * 5),
    expires_at: ago(-60 * 24 * 6),
  },
];

export const offer: Schemas["Offer"] = {
  organisation: "Demo",
  email: "new@demo.test",
  role: "member",
  project: null,
  expires_at: ago(-60 * 24 * 6),
  state: "open",
};

export const members: Schemas["Member"][] = [
  {
    id: id(30),
    user_id: id(1),
    email: "owner@demo.test",
    display_name: "Dana Osei",
    role: "owner",
    project_id: null,
    created_at: ago(60 * 24 * 40),
  },
  {
    id: id(31),
    user_id: id(2),
    email: "support@demo.test",
    display_name: "",
    role: "member",
    project_id: id(21),
    created_at: ago(60 * 24 * 2),
  },
];

export const keys: Schemas["ApiKey"][] = [
  {
    id: id(40),
    name: "nightly export",
    prefix: "kk_3fa9",
    role: "viewer",
    created_by: id(1),
    created_at: ago(4000),
    expires_at: null,
    revoked_at: null,
    last_used_at: ago(12),
  },
];

export const audit: Schemas["AuditEntry"][] = [
  { id: id(50), at: ago(3), actor: `user:${id(1)}`, action: "agent.publish", object: `agent:${id(60)}`, detail: { version: 3 } },
  { id: id(51), at: ago(95), actor: "system", action: "organisation.create", object: "organisation:demo", detail: {} },
];

export const tools: Schemas["Tool"][] = [
  { name: "date_time", title: "Date and time", description: "Tells the date and time in any time zone.", parameters: {} },
  { name: "calculator", title: "Calculator", description: "Works expressions out with exact decimals.", parameters: {} },
];

const mara: Schemas["AgentConfig"] = {
  icon: "🌿",
  role: "Support specialist",
  job_description: "Answers questions about orders, deliveries and returns.\nHands everything about contracts to a person.",
  statement_of_work: "",
  persona: "Friendly, precise, never in a hurry.",
  system_prompt: "Answer in one or two sentences.",
  rules: ["Never promise a delivery date.", "Quote prices with VAT."],
  greeting: "Hello, I am Mara. How can I help you today?",
  languages: ["English", "German"],
  model_group: "quality",
  tools: ["date_time"],
  limits: { max_steps: 8, max_output_tokens: 4096, max_total_tokens: null, max_cost_usd: 0.25, max_seconds: 50 },
};

export const agents: Schemas["Agent"][] = [
  {
    id: id(60),
    name: "Mara",
    draft: { ...mara, persona: "Friendly, precise, never in a hurry.\nUses simple words.", tools: ["date_time", "calculator"] },
    published_version: 3,
    published: mara,
    changed: true,
    draft_updated_at: ago(4),
    created_at: ago(9000),
  },
  {
    id: id(61),
    name: "Alex",
    draft: { ...mara, icon: "", role: "Sales assistant", model_group: "fast" },
    published_version: null,
    published: null,
    changed: true,
    draft_updated_at: ago(600),
    created_at: ago(600),
  },
];

export const versions: Schemas["AgentVersion"][] = [
  { version: 3, config: mara, published_by: "owner@demo.test", published_at: ago(60) },
  { version: 2, config: { ...mara, rules: ["Never promise a delivery date."] }, published_by: "owner@demo.test", published_at: ago(1400) },
  { version: 1, config: { ...mara, rules: [], persona: "" }, published_by: "system", published_at: ago(9000) },
];

export const connections: Schemas["Connection"][] = [
  {
    id: id(90),
    name: "Web chat",
    channel: "web",
    agent_id: id(60),
    external_id: "web",
    app_id: "",
    settings: { title: "Ask Mara" },
    enabled: true,
    secrets: {},
    status: { state: "ok", problem: null, problem_at: null, hint: null, last_event_at: ago(6) },
    urls: { chat: `http://localhost:5173/chat/${id(90)}` },
    created_at: ago(9000),
  },
  {
    id: id(91),
    name: "Demo workspace",
    channel: "slack",
    agent_id: id(60),
    external_id: "T0001",
    app_id: "A0001",
    settings: {},
    enabled: true,
    secrets: { signing_secret: { set: true }, bot_token: { set: true } },
    status: {
      state: "problem",
      problem: "Slack refused the bot token: it was revoked. Install the app again and paste the new token here.",
      problem_at: ago(31),
      hint: null,
      last_event_at: ago(40),
    },
    urls: { events: "https://konstruct.example.com/channels/slack/events" },
    created_at: ago(9000),
  },
];

export const conversations: Schemas["Conversation"][] = [
  ["Where is my order 10442?", "web", "Visitor 7f3a", 6],
  ["@Mara can we still change the address for the Lyon shipment?", "slack", "Priya N.", 42],
  ["هل يمكنني إرجاع المنتج بعد ثلاثين يوماً؟", "web", "Visitor 91c0", 180],
  ["What does the premium plan cost with VAT?", "web", "Visitor b02e", 1500],
].map(([title, channel, contact, minutes], index) => ({
  id: id(100 + index),
  title: String(title),
  channel: String(channel),
  agent: { id: id(60), name: "Mara" },
  contact: { id: id(200 + index), display_name: String(contact) },
  last_message_at: ago(Number(minutes)),
  created_at: ago(Number(minutes) + 10),
}));

export const messages: Schemas["Message"][] = [
  {
    seq: 1,
    id: id(301),
    direction: "inbound",
    text: "Where is my order 10442?",
    at: ago(9),
    sender: { id: "v", name: "Visitor 7f3a" },
    body: {},
  },
  {
    seq: 1,
    id: id(302),
    direction: "outbound",
    text: "It left our warehouse yesterday and is with the carrier now. I cannot promise a day, but parcels of this kind usually take two to three days.",
    at: ago(9),
    state: "confirmed",
    run_id: id(400),
    body: {},
  },
  {
    seq: 2,
    id: id(303),
    direction: "inbound",
    text: "And what would three of them cost, with VAT?",
    at: ago(6),
    sender: { id: "v", name: "Visitor 7f3a" },
    body: {},
  },
  {
    seq: 2,
    id: id(304),
    direction: "outbound",
    text: "Three cost 149.70 € including VAT.",
    at: ago(6),
    state: "confirmed",
    run_id: id(400),
    body: {},
  },
];

export const letters: Schemas["DeadLetter"][] = [
  {
    id: id(500),
    source: "reply",
    conversation: id(101),
    seq: 4,
    message_id: id(310),
    run_id: id(400),
    reason: "Slack refused the message: the bot is not in the channel (not_in_channel). Invite it and replay.",
    attempts: 5,
    at: ago(38),
    replayed_at: null,
  },
];
