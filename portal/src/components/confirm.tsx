import { useState, type ReactNode } from "react";
import { t } from "@/i18n/translate";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";

interface ConfirmProps {
  title: string;
  description: ReactNode;
  action: string;
  /** Must be typed before the action is possible: for what cannot be undone. */
  typed?: string;
  look?: "danger" | "primary";
  mutation: { mutate: () => void; isPending: boolean; error: unknown };
  onClose: () => void;
}

export function Confirm({ title, description, action, typed, look, mutation, onClose }: ConfirmProps) {
  const [text, setText] = useState("");
  const allowed = typed === undefined || text === typed;
  return (
    <Dialog title={title} description={description} onClose={onClose}>
      <form
        className="grid grid-cols-1 gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (allowed) mutation.mutate();
        }}
      >
        {typed === undefined ? null : (
          <Field label={t("confirm.type", { text: typed })}>
            {(control) => (
              <Input {...control} autoComplete="off" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
            )}
          </Field>
        )}
        <FormFailure error={mutation.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look={look ?? "danger"} disabled={!allowed} busy={mutation.isPending}>
            {action}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
