import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { formatCost, formatDuration, formatMoment, formatNumber } from "@/i18n/format";
import type { MessageKey } from "@/i18n/messages";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Swatch } from "@/components/swatch";
import { CardSection } from "@/components/ui/card";
import { useNames } from "@/features/spend/names";
import { OutcomeBadge } from "@/features/spend/outcome";
import { callQuery, type ModelCall } from "@/features/spend/queries";
import { tokenKinds } from "@/features/spend/token-kinds";

const PROTOCOLS: Record<string, MessageKey & `calls.protocol_${string}`> = {
  internal: "calls.protocol_internal",
  "openai-chat": "calls.protocol_openai_chat",
  "openai-responses": "calls.protocol_openai_responses",
  "openai-embeddings": "calls.protocol_openai_embeddings",
  anthropic: "calls.protocol_anthropic",
  "cohere-rerank": "calls.protocol_cohere_rerank",
};

/** All that is kept of one call; what was said in it is not. */
export function CallPage() {
  const organisation = useOrganisation();
  const { call: id } = useParams({ from: "/app/o/$organisation/models/calls/$call" });
  const call = useQuery(callQuery(organisation.id, id));
  return (
    <Page
      title={t("calls.one")}
      back={{ link: { to: "/o/$organisation/models/calls", params: { organisation: organisation.name } }, label: t("calls.title") }}
    >
      <Loaded query={call}>
        {(found) => (
          <div className="grid grid-cols-1 items-start gap-6 lg:grid-cols-2">
            <Details call={found} />
            <Tokens call={found} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Details({ call }: { call: ModelCall }) {
  const names = useNames(["agent", "project", "key"]);
  const key = PROTOCOLS[call.protocol];
  const ids = [
    { label: t("spend.by_agent"), by: "agent", id: call.agent_id },
    { label: t("spend.by_key"), by: "key", id: call.key_id },
    { label: t("spend.by_project"), by: "project", id: call.project_id },
  ] as const;
  return (
    <CardSection title={t("calls.details")} action={<OutcomeBadge outcome={call.outcome} cached={call.cached} />}>
      {typeof call.error === "string" ? (
        <div className="mb-4 rounded-xl bg-bad-wash px-4 py-3">
          <p className="font-medium">{t("calls.error")}</p>
          <p className="break-words">{call.error}</p>
        </div>
      ) : null}
      <dl className="divide-y">
        <Fact label={t("calls.at")}>{formatMoment(call.at)}</Fact>
        <Fact label={t("calls.model")}>
          {typeof call.model === "string" ? `${call.model} · ${call.provider ?? ""}` : t("calls.nobody")}
        </Fact>
        <Fact label={t("calls.group")}>{call.model_group ?? t("calls.group_none")}</Fact>
        <Fact label={t("calls.attempts")}>{formatNumber(call.attempts)}</Fact>
        <Fact label={t("calls.cost")}>{formatCost(call.cost_usd)}</Fact>
        <Fact label={t("calls.duration")}>{formatDuration(call.duration_ms)}</Fact>
        {typeof call.first_token_ms === "number" ? <Fact label={t("calls.first_token")}>{formatDuration(call.first_token_ms)}</Fact> : null}
        <Fact label={t("calls.protocol")}>{`${key === undefined ? call.protocol : t(key)} · ${streamedWords(call)}`}</Fact>
        {ids.map(({ label, by, id }) =>
          typeof id === "string" ? (
            <Fact key={by} label={label}>
              {names.of(by, id)}
            </Fact>
          ) : null,
        )}
        <Conversation call={call} />
      </dl>
    </CardSection>
  );
}

function streamedWords(call: ModelCall): string {
  return call.streamed ? t("calls.streamed") : t("calls.streamed_no");
}

function Conversation({ call }: { call: ModelCall }) {
  const organisation = useOrganisation();
  const project = organisation.projects.find(({ id }) => id === call.project_id);
  if (typeof call.conversation_id !== "string" || project === undefined) return null;
  return (
    <Fact label={t("calls.from_conversation")}>
      <Link
        to="/o/$organisation/p/$project/conversations/$conversation"
        params={{ organisation: organisation.name, project: project.name, conversation: call.conversation_id }}
        className="rounded underline underline-offset-2"
      >
        {t("action.show")}
      </Link>
    </Fact>
  );
}

function Tokens({ call }: { call: ModelCall }) {
  const kinds = tokenKinds(call);
  return (
    <CardSection title={t("calls.detail_tokens")}>
      {kinds === null ? (
        <p className="text-soft">{t("calls.tokens_unknown")}</p>
      ) : (
        <>
          <div aria-hidden className="mb-4 flex h-3.5 gap-0.5 overflow-hidden rounded-full bg-sunken">
            {kinds.map(({ label, tokens, colour }) =>
              tokens === 0 ? null : <span key={label} className="h-full min-w-1" style={{ flexGrow: tokens, backgroundColor: colour }} />,
            )}
          </div>
          <dl className="divide-y">
            {kinds.map(({ label, tokens, colour }) => (
              <div key={label} className="flex items-center justify-between gap-4 py-2">
                <dt className="flex items-center gap-2.5 text-soft">
                  <Swatch colour={colour} />
                  {t(label)}
                </dt>
                <dd className="tabular-nums">{formatNumber(tokens)}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </CardSection>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap justify-between gap-x-6 py-2">
      <dt className="text-soft">{label}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}
