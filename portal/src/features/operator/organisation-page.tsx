import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { formatNumber } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { Confirm } from "@/components/confirm";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Button, buttonClass } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { OrganisationForm } from "@/features/operator/organisation-form";
import { organisationQuery, useDeleteOrganisation, useUpdateOrganisation, type OrganisationDetail } from "@/features/operator/queries";
import { StatusBadge } from "@/features/operator/status-badge";

export function OrganisationPage() {
  const { organisationId } = useParams({ from: "/app/operator/organisations/$organisationId" });
  const organisation = useQuery(organisationQuery(organisationId));
  const name = organisation.data?.display_name ?? t("nav.organisation");
  return (
    <Page
      title={name}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          {name}
          {organisation.data === undefined ? null : <StatusBadge status={organisation.data.status} />}
        </span>
      }
      back={{ link: { to: "/operator/organisations" }, label: t("operator.all") }}
      actions={
        organisation.data === undefined ? null : (
          <Link to="/o/$organisation/projects" params={{ organisation: organisation.data.name }} className={buttonClass("plain")}>
            {t("operator.open")}
          </Link>
        )
      }
    >
      <Loaded query={organisation}>{(data) => <Sections organisation={data} />}</Loaded>
    </Page>
  );
}

function Sections({ organisation }: { organisation: OrganisationDetail }) {
  return (
    <div className="grid max-w-3xl grid-cols-1 gap-6">
      <Counts organisation={organisation} />
      <CardSection title={t("operator.limits")}>
        <OrganisationForm key={organisation.id} organisation={organisation} />
      </CardSection>
      <Danger organisation={organisation} />
    </div>
  );
}

function Counts({ organisation: { counts } }: { organisation: OrganisationDetail }) {
  const figures = [
    { label: t("operator.projects"), value: counts.projects },
    { label: t("operator.agents"), value: counts.agents },
    { label: t("operator.connections"), value: counts.connections },
    { label: t("operator.conversations"), value: counts.conversations },
    { label: t("operator.messages_30d"), value: counts.messages_30d },
  ];
  return (
    <CardSection title={t("operator.counts")}>
      <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-5">
        {figures.map(({ label, value }) => (
          <div key={label} className="flex flex-col-reverse justify-end">
            <dt className="text-[0.9rem] text-soft">{label}</dt>
            <dd className="text-2xl font-semibold tabular-nums">{formatNumber(value)}</dd>
          </div>
        ))}
      </dl>
    </CardSection>
  );
}

function Danger({ organisation }: { organisation: OrganisationDetail }) {
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"status" | "delete" | null>(null);
  const update = useUpdateOrganisation(organisation.id);
  const remove = useDeleteOrganisation(organisation.id);
  const close = () => setAsking(null);
  const name = organisation.display_name;
  const active = organisation.status === "active";
  const setStatus = () =>
    update.mutate(
      { status: active ? "suspended" : "active" },
      {
        onSuccess: () => {
          notify("done", active ? t("operator.suspended", { name }) : t("operator.resumed", { name }));
          close();
        },
      },
    );
  const erase = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        notify("done", t("operator.deleted", { name }));
        void navigate({ to: "/operator/organisations" });
      },
    });
  return (
    <CardSection title={t("operator.danger")}>
      <ul className="grid grid-cols-1 gap-4">
        <li className="flex flex-wrap items-center justify-between gap-4">
          <p className="max-w-md text-soft">{active ? t("operator.suspend_hint") : t("operator.resume_hint")}</p>
          <Button onClick={() => setAsking("status")}>{active ? t("operator.suspend") : t("operator.resume")}</Button>
        </li>
        <li className="flex flex-wrap items-center justify-between gap-4 border-t pt-4">
          <p className="max-w-md text-soft">{t("operator.delete_hint")}</p>
          <Button look="danger" onClick={() => setAsking("delete")}>
            {t("operator.delete")}
          </Button>
        </li>
      </ul>
      {asking === "status" ? (
        <Confirm
          title={active ? t("operator.suspend_title", { name }) : t("operator.resume_title", { name })}
          description={active ? t("operator.suspend_hint") : t("operator.resume_hint")}
          action={active ? t("operator.suspend") : t("operator.resume")}
          look={active ? "danger" : "primary"}
          mutation={{ mutate: setStatus, isPending: update.isPending, error: update.error }}
          onClose={close}
        />
      ) : null}
      {asking === "delete" ? (
        <Confirm
          title={t("operator.delete_title", { name })}
          description={t("operator.delete_hint")}
          action={t("operator.delete")}
          typed={organisation.name}
          mutation={{ mutate: erase, isPending: remove.isPending, error: remove.error }}
          onClose={close}
        />
      ) : null}
    </CardSection>
  );
}
