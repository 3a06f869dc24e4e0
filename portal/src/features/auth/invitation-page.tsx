import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { MailX } from "lucide-react";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { api, take, type Schemas } from "@/api/client";
import { describe, isStatus } from "@/api/errors";
import { beginSession, plainFetch } from "@/api/session";
import { formatMoment } from "@/i18n/format";
import type { MessageKey } from "@/i18n/messages";
import { t } from "@/i18n/translate";
import { Entrance } from "@/components/entrance";
import { roleName } from "@/components/role-select";
import { Empty, Failure, Loading } from "@/components/states";
import { Button, buttonClass } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";

type Offer = Schemas["Offer"];

/** Where an invitation's link leads; its token stands in the fragment, which browsers send nowhere. */
export function InvitationPage() {
  const token = useLocation({ select: ({ hash }) => hash });
  const offer = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => take(api.POST("/api/auth/invitation", { body: { token }, fetch: plainFetch })),
    staleTime: Infinity,
  });
  return (
    <Entrance title={t("invitation.title")}>
      <div className="w-full max-w-sm">
        {offer.data !== undefined ? (
          offer.data.state === "open" ? (
            <Join token={token} offer={offer.data} onRefused={() => void offer.refetch()} />
          ) : (
            <Lapsed title={t(LAPSES[offer.data.state].title)} hint={t(LAPSES[offer.data.state].hint)} />
          )
        ) : isStatus(offer.error, 404) ? (
          <Lapsed title={t("invitation.unknown")} hint={t("invitation.unknown_hint")} />
        ) : offer.isError ? (
          <>
            <h1 className="mb-5 text-[1.65rem] font-semibold">{t("invitation.title")}</h1>
            <Failure error={offer.error} onRetry={() => void offer.refetch()} />
          </>
        ) : (
          <Loading rows={4} />
        )}
      </div>
    </Entrance>
  );
}

const LAPSES = {
  accepted: { title: "invitation.accepted", hint: "invitation.accepted_hint" },
  revoked: { title: "invitation.revoked", hint: "invitation.ask_again" },
  expired: { title: "invitation.expired", hint: "invitation.ask_again" },
  suspended: { title: "invitation.suspended", hint: "invitation.suspended_hint" },
  void: { title: "invitation.void", hint: "invitation.ask_again" },
} as const satisfies Record<Exclude<Offer["state"], "open">, { title: MessageKey; hint: MessageKey }>;

function Lapsed({ title, hint }: { title: string; hint: string }) {
  return (
    <Empty
      icon={MailX}
      heading="h1"
      title={title}
      action={
        <Link to="/login" className={buttonClass()}>
          {t("invitation.to_login")}
        </Link>
      }
    >
      {hint}
    </Empty>
  );
}

const schema = z.object({
  display_name: z.string().trim().max(200),
  password: z.string().min(8, t("invitation.short")),
});

interface JoinProps {
  token: string;
  offer: Offer;
  /** It lapsed while the page stood open. */
  onRefused: () => void;
}

function Join({ token, offer, onRefused }: JoinProps) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { display_name: "", password: "" } });
  const join = useMutation({
    mutationFn: (values: z.infer<typeof schema>) =>
      take(api.POST("/api/auth/invitation/accept", { body: { token, ...values }, fetch: plainFetch })),
    onSuccess: (grant) => {
      // Somebody else may have been logged in here.
      client.clear();
      beginSession(grant);
      return navigate({ to: "/", replace: true });
    },
    onError: (error) => {
      if (isStatus(error, 404) || isStatus(error, 409)) onRefused();
    },
  });
  const { errors } = form.formState;
  const role = roleName(offer.role);
  return (
    <form className="grid gap-5" noValidate onSubmit={(event) => void form.handleSubmit((values) => join.mutate(values))(event)}>
      <div>
        <h1 className="text-[1.65rem] font-semibold text-balance break-words">
          {t("invitation.welcome", { organisation: offer.organisation })}
        </h1>
        <p className="mt-1 text-soft">
          {offer.project === null || offer.project === undefined
            ? t("invitation.role", { role })
            : t("invitation.role_in", { role, project: offer.project })}{" "}
          {t("invitation.valid", { moment: formatMoment(offer.expires_at) })}
        </p>
      </div>
      <Field label={t("invitation.email")}>
        {(control) => <Input {...control} type="email" autoComplete="username" readOnly value={offer.email} />}
      </Field>
      <Field label={t("invitation.name")} hint={t("invitation.name_hint")} error={errors.display_name?.message}>
        {(control) => <Input {...control} autoComplete="name" autoFocus {...form.register("display_name")} />}
      </Field>
      <Field label={t("invitation.password")} hint={t("invitation.password_hint")} error={errors.password?.message}>
        {(control) => <Input {...control} type="password" autoComplete="current-password" {...form.register("password")} />}
      </Field>
      {join.isError ? (
        <p role="alert" className="rounded-lg bg-bad-wash px-3 py-2 text-bad">
          {reason(join.error)}
        </p>
      ) : null}
      <Button type="submit" look="primary" busy={join.isPending || join.isSuccess}>
        {t("invitation.join")}
      </Button>
    </form>
  );
}

function reason(error: unknown): string {
  if (isStatus(error, 401)) return t("invitation.wrong");
  if (isStatus(error, 429)) return t("login.limited");
  return describe(error);
}
