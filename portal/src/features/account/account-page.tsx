import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { api, done } from "@/api/client";
import { meQuery } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";

const schema = z
  .object({
    current: z.string().min(1, t("error.required")),
    next: z.string().min(10, t("account.short")),
    repeat: z.string(),
  })
  .refine((form) => form.next === form.repeat, { path: ["repeat"], message: t("account.repeat_differs") });

export function AccountPage() {
  const me = useQuery(meQuery);
  return (
    <Page title={t("account.title")} description={t("account.description")}>
      <div className="grid max-w-2xl grid-cols-1 gap-6">
        <CardSection title={t("account.profile")}>
          <Loaded query={me} rows={1}>
            {({ user }) =>
              user === null || user === undefined ? null : (
                <dl className="grid gap-x-8 gap-y-3 sm:grid-cols-[auto_1fr]">
                  <dt className="text-soft">{t("account.name")}</dt>
                  <dd>{user.display_name === "" ? user.email : user.display_name}</dd>
                  <dt className="text-soft">{t("account.email")}</dt>
                  <dd>{user.email}</dd>
                </dl>
              )
            }
          </Loaded>
        </CardSection>
        <CardSection title={t("account.password")}>
          <PasswordForm email={me.data?.user?.email ?? ""} />
        </CardSection>
      </div>
    </Page>
  );
}

function PasswordForm({ email }: { email: string }) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { current: "", next: "", repeat: "" } });
  const change = useMutation({
    mutationFn: ({ current, next }: z.infer<typeof schema>) => done(api.PUT("/api/me/password", { body: { current, new: next } })),
    onSuccess: () => {
      form.reset();
      notify("done", t("account.changed"));
    },
  });
  const errors = form.formState.errors;
  return (
    <form className="grid max-w-sm gap-4" noValidate onSubmit={(event) => void form.handleSubmit((values) => change.mutate(values))(event)}>
      {/* For password managers: whose password it is. */}
      <input type="text" hidden readOnly autoComplete="username" value={email} />
      <Field label={t("account.current")} error={errors.current?.message}>
        {(control) => <Input {...control} type="password" autoComplete="current-password" {...form.register("current")} />}
      </Field>
      <Field label={t("account.new")} hint={t("account.new_hint")} error={errors.next?.message}>
        {(control) => <Input {...control} type="password" autoComplete="new-password" {...form.register("next")} />}
      </Field>
      <Field label={t("account.repeat")} error={errors.repeat?.message}>
        {(control) => <Input {...control} type="password" autoComplete="new-password" {...form.register("repeat")} />}
      </Field>
      <FormFailure error={change.error} />
      <div>
        <Button type="submit" look="primary" busy={change.isPending}>
          {t("account.change_password")}
        </Button>
      </div>
    </form>
  );
}
