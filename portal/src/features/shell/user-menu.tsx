import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Check, CircleUser, LogOut, Monitor, Moon, Sun, type LucideIcon } from "lucide-react";
import { api, type Schemas } from "@/api/client";
import { endSession } from "@/api/session";
import { t } from "@/i18n/translate";
import { setTheme, useTheme, type ThemeChoice } from "@/lib/theme";
import { Menu, MenuChoice, MenuChoices, MenuHeading, MenuItem, MenuLine } from "@/components/ui/menu";

const THEMES: { choice: ThemeChoice; icon: LucideIcon; label: "theme.system" | "theme.light" | "theme.dark" }[] = [
  { choice: "system", icon: Monitor, label: "theme.system" },
  { choice: "light", icon: Sun, label: "theme.light" },
  { choice: "dark", icon: Moon, label: "theme.dark" },
];

export function UserMenu({ user }: { user: Schemas["User"] }) {
  const navigate = useNavigate();
  const theme = useTheme();
  // Whatever the server says, this tab forgets its token.
  const logOut = useMutation({ mutationFn: () => api.POST("/api/auth/logout"), onSettled: endSession });
  const name = user.display_name === "" ? user.email : user.display_name;
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={t("nav.user_menu", { name })}
          className="flex w-full items-center gap-3 rounded-xl px-2.5 py-2 text-start hover:bg-rail-wash focus-visible:outline-rail-ink"
        >
          <span aria-hidden className="grid size-8 shrink-0 place-items-center rounded-full bg-amber font-semibold text-rail uppercase">
            {name.charAt(0)}
          </span>
          <span className="min-w-0 grow truncate">{name}</span>
        </button>
      }
    >
      <MenuHeading>{user.email}</MenuHeading>
      <MenuItem onSelect={() => void navigate({ to: "/account" })}>
        <CircleUser aria-hidden />
        {t("nav.account")}
      </MenuItem>
      <MenuLine />
      <MenuHeading>{t("theme.heading")}</MenuHeading>
      <MenuChoices value={theme}>
        {THEMES.map(({ choice, icon: Icon, label }) => (
          <MenuChoice key={choice} value={choice} onSelect={() => setTheme(choice)}>
            <Icon aria-hidden />
            <span className="grow">{t(label)}</span>
            {theme === choice ? <Check aria-hidden className="text-brand" /> : null}
          </MenuChoice>
        ))}
      </MenuChoices>
      <MenuLine />
      <MenuItem onSelect={() => logOut.mutate()}>
        <LogOut aria-hidden />
        {t("nav.log_out")}
      </MenuItem>
    </Menu>
  );
}
