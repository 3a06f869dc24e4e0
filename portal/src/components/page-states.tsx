import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import { Compass, TriangleAlert } from "lucide-react";
import { describe } from "@/api/errors";
import { t } from "@/i18n/translate";
import { Empty } from "@/components/states";
import { Button, buttonClass } from "@/components/ui/button";

export function PageMissing() {
  return (
    <Empty
      icon={Compass}
      title={t("state.page")}
      action={
        <Link to="/" className={buttonClass("primary")}>
          {t("state.to_start")}
        </Link>
      }
    >
      {t("state.page_hint")}
    </Empty>
  );
}

export function PageBroken({ error }: ErrorComponentProps) {
  return (
    <div role="alert">
      <Empty
        icon={TriangleAlert}
        title={t("error.page")}
        action={<Button onClick={() => window.location.reload()}>{t("error.reload")}</Button>}
      >
        <p>{describe(error)}</p>
        <p className="mt-2">{t("error.page_hint")}</p>
      </Empty>
    </div>
  );
}
