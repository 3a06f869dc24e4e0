import { SendHorizontal } from "lucide-react";
import { useState, type KeyboardEvent } from "react";
import { t } from "@/i18n/translate";
import { Button } from "@/components/ui/button";

interface ComposerProps {
  label: string;
  disabled?: boolean;
  onSend: (text: string) => void;
}

/** Enter sends, Shift+Enter breaks the line; Enter that ends an input method's word does neither. */
export function Composer({ label, disabled, onSend }: ComposerProps) {
  const [text, setText] = useState("");
  const send = () => {
    const words = text.trim();
    if (words === "" || disabled === true) return;
    onSend(words);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className="flex items-end gap-2 rounded-2xl border border-line-strong/70 bg-surface p-1.5 ps-4 focus-within:outline-2 focus-within:outline-brand"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        dir="auto"
        rows={1}
        aria-label={label}
        placeholder={label}
        value={text}
        disabled={disabled}
        maxLength={20_000}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="field-sizing-content max-h-48 grow resize-none bg-transparent py-1.5 outline-none placeholder:text-soft/80"
      />
      <Button
        type="submit"
        look="primary"
        size="icon"
        className="rounded-xl"
        aria-label={t("action.send")}
        disabled={disabled === true || text.trim() === ""}
      >
        <SendHorizontal aria-hidden className="rtl:rotate-180" />
      </Button>
    </form>
  );
}
