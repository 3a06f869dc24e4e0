import { useNavigate } from "@tanstack/react-router";
import { Check, ChevronsUpDown } from "lucide-react";
import type { MyOrganisation, MyProject } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { Menu, MenuHeading, MenuItem } from "@/components/ui/menu";

interface ScopeSwitcherProps {
  organisations: MyOrganisation[];
  organisation: MyOrganisation | null;
  project: MyProject | null;
}

export function ScopeSwitcher({ organisations, organisation, project }: ScopeSwitcherProps) {
  const navigate = useNavigate();
  const open = (chosen: MyOrganisation, into: MyProject | null) =>
    into === null
      ? navigate({ to: "/o/$organisation/projects", params: { organisation: chosen.name } })
      : navigate({ to: "/o/$organisation/p/$project", params: { organisation: chosen.name, project: into.name } });
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={t("nav.choose")}
          className="flex w-full items-center gap-2 rounded-xl bg-rail-wash px-3 py-2 text-start hover:brightness-110 focus-visible:outline-rail-ink"
        >
          <span className="min-w-0 grow leading-snug">
            <span className="block truncate font-medium">{organisation?.display_name ?? t("nav.choose")}</span>
            <span className="block truncate text-[0.86rem] text-rail-soft">{project?.name ?? t("none.project")}</span>
          </span>
          <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-rail-soft" />
        </button>
      }
    >
      {organisations.map((candidate) => (
        <div key={candidate.id}>
          <MenuHeading>{candidate.display_name}</MenuHeading>
          {candidate.projects.length === 0 ? <MenuItem onSelect={() => void open(candidate, null)}>{t("nav.projects")}</MenuItem> : null}
          {candidate.projects.map((into) => (
            <MenuItem key={into.id} onSelect={() => void open(candidate, into)}>
              <span className="grow truncate">{into.name}</span>
              {candidate.id === organisation?.id && into.id === project?.id ? <Check aria-hidden className="text-brand" /> : null}
            </MenuItem>
          ))}
        </div>
      ))}
    </Menu>
  );
}
