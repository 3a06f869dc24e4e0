import { Pencil, Trash2 } from "lucide-react";
import { t } from "@/i18n/translate";
import { Button } from "@/components/ui/button";

interface RowActionsProps {
  name: string;
  /** Why nothing may be changed. */
  denial: string | undefined;
  onEdit: () => void;
  onDelete: () => void;
}

export function RowActions({ name, denial, onEdit, onDelete }: RowActionsProps) {
  const denied = denial !== undefined;
  return (
    <div className="flex">
      <Button look="quiet" size="icon" disabled={denied} title={denial} aria-label={t("action.edit_named", { name })} onClick={onEdit}>
        <Pencil aria-hidden />
      </Button>
      <Button look="quiet" size="icon" disabled={denied} title={denial} aria-label={t("action.remove_named", { name })} onClick={onDelete}>
        <Trash2 aria-hidden />
      </Button>
    </div>
  );
}
