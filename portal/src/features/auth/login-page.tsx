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
import { Entrance } from "@/components/entrance";
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
    <Entrance title={t("login.title")}>
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
    </Entrance>
  );
}

function reason(error: unknown): string {
  if (isStatus(error, 401)) return t("login.wrong");
  if (isStatus(error, 429)) return t("login.limited");
  return describe(error);
}
