import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { t } from "@/i18n/translate";
import { Button } from "@/components/ui/button";
import { notify } from "@/components/ui/toast";

export function CopyButton({ value, label }: { value: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      notify("failed", t("error.copy"));
    }
  };
  return (
    <Button size="small" aria-label={t("action.copy_named", { what: label })} onClick={() => void copy()}>
      {copied ? <Check aria-hidden className="text-ok" /> : <Copy aria-hidden />}
      {copied ? t("action.copied") : t("action.copy")}
    </Button>
  );
}

/** A value to take elsewhere: shown whole, selectable, with a button. */
export function CopyLine({ value, label }: { value: string; label: string }) {
  return (
    <div className="grid gap-1.5">
      <p className="font-medium">{label}</p>
      <div className="flex items-center gap-2 rounded-lg border bg-sunken py-1.5 ps-3 pe-1.5">
        <code dir="ltr" className="min-w-0 grow font-mono text-[0.88rem] break-all select-all">
          {value}
        </code>
        <CopyButton value={value} label={label} />
      </div>
    </div>
  );
}

export function CopyBlock({ value, label }: { value: string; label: string }) {
  return (
    <div className="overflow-hidden rounded-lg border bg-sunken">
      <div className="flex items-center justify-between gap-3 border-b py-1.5 ps-3 pe-1.5">
        <p className="font-medium">{label}</p>
        <CopyButton value={value} label={label} />
      </div>
      <pre dir="ltr" tabIndex={0} aria-label={label} className="max-h-80 overflow-auto p-3 font-mono text-[0.85rem] leading-relaxed">
        {value}
      </pre>
    </div>
  );
}
