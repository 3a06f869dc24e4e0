import type { Schemas } from "@/api/client";
import { t } from "@/i18n/translate";
import { toForm } from "@/features/agents/config";

type Config = Schemas["AgentConfig"];

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

export interface FieldChange {
  label: string;
  lines: DiffLine[];
}

/** What differs between two configurations, field by field, as a person reads them. */
export function changesBetween(before: Config | null, after: Config): FieldChange[] {
  const old = before === null ? null : readable(before);
  return Object.entries(readable(after)).flatMap(([label, text]) => {
    const previous = old?.[label] ?? "";
    return previous === text ? [] : [{ label, lines: diffLines(previous, text) }];
  });
}

/** A longest common subsequence over lines; the texts are a page at most. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before === "" ? [] : before.split("\n");
  const b = after === "" ? [] : after.split("\n");
  const common = commonLengths(a, b);
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: "same", text: a[i] ?? "" });
      i++;
      j++;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: a[i] ?? "" });
      i++;
    } else {
      lines.push({ kind: "added", text: b[j] ?? "" });
      j++;
    }
  }
  return lines;
}

function commonLengths(a: string[], b: string[]): number[][] {
  const table = Array.from({ length: a.length + 1 }, () => Array.from({ length: b.length + 1 }, () => 0));
  for (let i = a.length - 1; i >= 0; i--) {
    const row = table[i] ?? [];
    const below = table[i + 1] ?? [];
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return table;
}

function readable(config: Config): Record<string, string> {
  const form = toForm("", config);
  return {
    [t("agents.icon")]: form.icon,
    [t("agents.role")]: form.role,
    [t("agents.job_description")]: form.job_description,
    [t("agents.statement_of_work")]: form.statement_of_work,
    [t("agents.persona")]: form.persona,
    [t("agents.system_prompt")]: form.system_prompt,
    [t("agents.rules")]: form.rules.map(({ text }) => text).join("\n"),
    [t("agents.greeting")]: form.greeting,
    [t("agents.languages")]: form.languages,
    [t("agents.model_group")]: form.model_group,
    [t("agents.tools")]: form.tools.join("\n"),
    [t("agents.max_steps")]: form.max_steps,
    [t("agents.max_output_tokens")]: form.max_output_tokens,
    [t("agents.max_total_tokens")]: form.max_total_tokens,
    [t("agents.max_cost_usd")]: form.max_cost_usd,
    [t("agents.max_seconds")]: form.max_seconds,
  };
}
