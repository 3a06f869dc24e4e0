import { Globe, Hash, type LucideIcon } from "lucide-react";
import { t } from "@/i18n/translate";

export function channelName(channel: string): string {
  if (channel === "slack") return t("channel.slack");
  if (channel === "web") return t("channel.web");
  return t("connections.channel_other", { channel });
}

const ICONS: Record<string, LucideIcon> = { slack: Hash, web: Globe };

export function ChannelIcon({ channel, className }: { channel: string; className?: string }) {
  const Icon = ICONS[channel] ?? Globe;
  return <Icon aria-hidden className={className} />;
}
