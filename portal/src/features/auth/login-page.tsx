import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { api, take } from "@/api/client";
import { describe, isStatus } from "@/api/errors";
import { beginSession } from "@/api/session";
import { t } from "@/i18n/translate";
import { emailSchema } from "@/lib/email";
import { Logo } from "@/components/logo";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";

const schema = z.object({
  email: emailSchema,
  password: z.string().min(1, t("error.required")),
});

export function LoginPage() {
  const { next } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { email: "", password: "" } });
  const logIn = useMutation({
    mutationFn: (body: z.infer<typeof schema>) => take(api.POST("/api/auth/login", { body })),
    onSuccess: (grant) => {
      beginSession(grant);
      return navigate({ to: next ?? "/", replace: true });
    },
  });
  const errors = form.formState.errors;
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <title>{`${t("login.title")} · Konstruct`}</title>
      <div className="relative flex flex-col justify-between gap-10 overflow-hidden bg-rail px-6 py-6 text-rail-ink sm:px-12 lg:py-12">
        <Logo />
        <p className="hidden max-w-sm text-[1.7rem] leading-snug font-medium tracking-tight text-balance lg:block">{t("login.intro")}</p>
        <Weave />
      </div>
      <main className="grid place-items-center px-6 py-12">
        <form
          className="grid w-full max-w-sm gap-5"
          noValidate
          onSubmit={(event) => void form.handleSubmit((values) => logIn.mutate(values))(event)}
        >
          <h1 className="text-[1.65rem] font-semibold">{t("login.welcome")}</h1>
          <Field label={t("login.email")} error={errors.email?.message}>
            {(control) => <Input {...control} type="email" autoComplete="username" autoFocus {...form.register("email")} />}
          </Field>
          <Field label={t("login.password")} error={errors.password?.message}>
            {(control) => <Input {...control} type="password" autoComplete="current-password" {...form.register("password")} />}
          </Field>
          {logIn.isError ? (
            <p role="alert" className="rounded-lg bg-bad-wash px-3 py-2 text-bad">
              {reason(logIn.error)}
            </p>
          ) : null}
          <Button type="submit" look="primary" busy={logIn.isPending || logIn.isSuccess}>
            {t("login.button")}
          </Button>
          <p className="text-[0.93rem] text-soft">{t("login.hint")}</p>
        </form>
      </main>
    </div>
  );
}

function reason(error: unknown): string {
  if (isStatus(error, 401)) return t("login.wrong");
  if (isStatus(error, 429)) return t("login.limited");
  return describe(error);
}

/** Threads that meet: decoration only. */
function Weave() {
  return (
    <svg aria-hidden viewBox="0 0 400 220" className="hidden w-full max-w-md lg:block">
      <g fill="none" className="stroke-rail-soft" strokeOpacity="0.45" strokeWidth="1.5">
        <path d="M0 30C120 30 140 110 210 110S320 60 400 60" />
        <path d="M0 110C100 110 150 110 210 110S310 120 400 130" />
        <path d="M0 190C120 190 140 110 210 110S330 190 400 196" />
      </g>
      <circle cx="210" cy="110" r="9" className="fill-amber" />
      <g className="fill-rail-ink">
        <circle cx="60" cy="36" r="4" />
        <circle cx="48" cy="110" r="4" />
        <circle cx="62" cy="184" r="4" />
        <circle cx="346" cy="63" r="4" />
        <circle cx="350" cy="124" r="4" />
        <circle cx="338" cy="188" r="4" />
      </g>
    </svg>
  );
}
