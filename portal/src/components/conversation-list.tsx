import { Link } from "@tanstack/react-router";
import type { Conversation } from "@/api/queries/conversations";
import { t } from "@/i18n/translate";
import { useProjectParams } from "@/lib/scope";
import { ChannelIcon, channelName } from "@/components/channel";
import { TimeAgo } from "@/components/time-ago";

export function ConversationList({ conversations }: { conversations: Conversation[] }) {
  const params = useProjectParams();
  return (
    <ul className="divide-y">
      {conversations.map((conversation) => (
        <li
          key={conversation.id}
          className="relative flex items-center gap-4 px-5 py-3.5 first:rounded-t-2xl last:rounded-b-2xl hover:bg-sunken/60"
        >
          <ChannelIcon channel={conversation.channel} className="size-4.5 shrink-0 text-soft" />
          <div className="min-w-0 grow">
            <Link
              to="/o/$organisation/p/$project/conversations/$conversation"
              params={{ ...params, conversation: conversation.id }}
              dir="auto"
              className="block truncate font-medium after:absolute after:inset-0"
            >
              {conversation.title === "" ? t("conversations.untitled") : conversation.title}
            </Link>
            <p className="truncate text-[0.93rem] text-soft">
              {[conversation.contact?.display_name, conversation.agent?.name, channelName(conversation.channel)]
                .filter(Boolean)
                .join(" · ")}
            </p>
          </div>
          <p className="text-[0.9rem] text-soft">
            <TimeAgo at={conversation.last_message_at} />
          </p>
        </li>
      ))}
    </ul>
  );
}
