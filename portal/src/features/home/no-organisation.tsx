import { useQuery } from "@tanstack/react-query";
import { Building2 } from "lucide-react";
import { meQuery } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Card } from "@/components/ui/card";

export function NoOrganisation() {
  const email = useQuery(meQuery).data?.user?.email ?? "";
  return (
    <Page title={t("home.title")}>
      <Card>
        <Empty icon={Building2} title={t("none.organisation")}>
          {t("none.organisation_hint", { email })}
        </Empty>
      </Card>
    </Page>
  );
}
