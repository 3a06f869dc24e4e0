import { t } from "@/i18n/translate";
import { CopyBlock } from "@/components/copy";
import { Tab, TabList, TabPanel, TabsRoot } from "@/components/ui/tabs";
import { snippetsOf } from "@/features/virtual-keys/snippets";

/** Ready to paste: this installation's address, the key where it is known, a group that the key may ask. */
export function SnippetsPanel({ secret, group }: { secret: string | null; group: string | undefined }) {
  const snippets = snippetsOf({
    origin: window.location.origin,
    key: secret ?? t("vkeys.your_key"),
    model: group ?? t("vkeys.your_group"),
  });
  return (
    <TabsRoot defaultValue={snippets[0]?.id ?? ""}>
      <TabList aria-label={t("vkeys.use")} className="mb-3 gap-4">
        {snippets.map(({ id, name }) => (
          <Tab key={id} value={id}>
            {name}
          </Tab>
        ))}
      </TabList>
      {snippets.map(({ id, name, text }) => (
        <TabPanel key={id} value={id}>
          <CopyBlock value={text} label={name} />
        </TabPanel>
      ))}
    </TabsRoot>
  );
}
