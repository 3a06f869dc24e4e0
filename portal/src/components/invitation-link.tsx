import type { Schemas } from "@/api/client";
import { formatMoment } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { wholeAddress } from "@/lib/address";
import { CopyLine } from "@/components/copy";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";

interface InvitationLinkProps {
  invitation: Schemas["CreatedInvitation"];
  onClose: () => void;
}

/** The one time that an invitation's link is shown; Konstruct sends no mail, whoever invites hands it over. */
export function InvitationLink({ invitation: { link, email, expires_at }, onClose }: InvitationLinkProps) {
  return (
    <Dialog title={t("invitation.created")} description={t("invitation.created_hint", { email })} onClose={onClose}>
      <CopyLine label={t("invitation.link")} value={wholeAddress(link)} />
      <p className="mt-3 text-[0.93rem] text-soft">{t("invitation.created_terms", { moment: formatMoment(expires_at) })}</p>
      <DialogActions>
        <Button look="primary" onClick={onClose}>
          {t("invitation.copied")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
