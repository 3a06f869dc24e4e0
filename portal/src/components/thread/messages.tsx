import { CircleAlert, Clock } from "lucide-react";
import type { ReactNode } from "react";
import { formatClock, formatMoment } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { RichText } from "@/components/thread/rich-text";
import { openQuestions, type Thread, type ThreadMessage } from "@/components/thread/model";

/** A message that this window has not got stored yet. */
export interface Unsent {
  id: string;
  text: string;
  state: "sending" | "waiting" | "refused" | "accepted";
}

interface MessagesProps {
  thread: Thread;
  unsent?: Unsent[];
  agentName: string;
  /** Whose words stand on the inline end side: the reader's own. */
  own: "inbound" | "outbound";
  /** What stands under a message: its run, for instance. */
  footer?: (message: ThreadMessage) => ReactNode;
}

/** The messages of a thread with the answers that are being written; read out as they arrive. */
export function Messages({ thread, unsent, agentName, own, footer }: MessagesProps) {
  const open = new Set(openQuestions(thread));
  return (
    <ol role="log" aria-label={t("thread.messages")} aria-live="polite" className="grid grid-cols-1 gap-4">
      {thread.messages.flatMap((message) => {
        const row =
          message.direction === "outbound" && message.state === "thinking" ? null : (
            <Row key={`${message.seq}.${message.direction}`} message={message} agentName={agentName} own={own} footer={footer?.(message)} />
          );
        const pending =
          message.direction === "inbound" && open.has(message.seq) ? (
            <Writing key={`${message.seq}.writing`} thread={thread} seq={message.seq} agentName={agentName} own={own} />
          ) : null;
        return [row, pending];
      })}
      {unsent?.map((message) => (
        <li key={message.id} className="grid justify-items-end">
          <Bubble own className="opacity-75">
            {message.text}
          </Bubble>
          {message.state === "accepted" ? null : <UnsentState state={message.state} />}
        </li>
      ))}
    </ol>
  );
}

function UnsentState({ state }: { state: "sending" | "waiting" | "refused" }) {
  const Icon = state === "refused" ? CircleAlert : Clock;
  return (
    <p className="mt-1 flex items-center gap-1.5 px-1 text-[0.84rem] text-soft">
      <Icon aria-hidden className={cn("size-3.5", state === "refused" && "text-bad")} />
      {t(`thread.unsent_${state}`)}
    </p>
  );
}

interface RowProps {
  message: ThreadMessage;
  agentName: string;
  own: "inbound" | "outbound";
  footer: ReactNode;
}

function Row({ message, agentName, own, footer }: RowProps) {
  const mine = message.direction === own;
  const name = message.direction === "outbound" ? agentName : senderName(message);
  if (message.state === "dropped") {
    return <li className="text-center text-[0.9rem] text-soft">{t("thread.dropped", { name: agentName })}</li>;
  }
  return (
    <li className={cn("grid", mine ? "justify-items-end" : "justify-items-start")}>
      <Bubble own={mine} name={mine ? undefined : name}>
        {message.direction === "outbound" ? <RichText source={message.text} /> : message.text}
      </Bubble>
      <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 px-1 text-[0.84rem] text-soft">
        <time dateTime={message.at} title={formatMoment(message.at)}>
          {formatClock(message.at)}
        </time>
        {message.state === "failed" ? (
          <span className="inline-flex items-center gap-1 text-bad">
            <CircleAlert aria-hidden className="size-3.5" />
            {t("thread.failed")}
          </span>
        ) : null}
        {message.state === "sent" ? <span>{t("thread.sending")}</span> : null}
        {footer}
      </div>
    </li>
  );
}

/** A visitor of a web chat has no name, and an id of ours that says nothing; another channel's own id is better than none. */
function senderName({ sender }: ThreadMessage): string {
  if (sender === undefined) return t("thread.you");
  if (sender.name !== "" && sender.name !== sender.id) return sender.name;
  return /^(visitor|user):/.test(sender.id) ? t("thread.visitor") : sender.id;
}

interface WritingProps {
  thread: Thread;
  seq: number;
  agentName: string;
  own: "inbound" | "outbound";
}

function Writing({ thread, seq, agentName, own }: WritingProps) {
  const draft = thread.drafts.get(seq);
  const text = draft === undefined || draft.broken ? "" : draft.text;
  return (
    // Words come in pieces here: they are read out when the answer is whole.
    <li aria-live="off" className={cn("grid", own === "outbound" ? "justify-items-end" : "justify-items-start")}>
      <Bubble own={own === "outbound"} name={agentName}>
        {text === "" ? null : <RichText source={text} />}
        <Dots label={t("thread.thinking", { name: agentName })} />
      </Bubble>
    </li>
  );
}

interface BubbleProps {
  own: boolean;
  name?: string | undefined;
  className?: string;
  children: ReactNode;
}

function Bubble({ own, name, className, children }: BubbleProps) {
  return (
    <div
      className={cn(
        "max-w-[min(44rem,88%)] rounded-2xl px-4 py-2.5",
        own ? "rounded-ee-md bg-brand-wash" : "rounded-es-md border bg-surface",
        className,
      )}
    >
      {name === undefined ? null : <p className="text-[0.86rem] font-semibold text-brand">{name}</p>}
      <div dir="auto" className="break-words whitespace-pre-wrap">
        {children}
      </div>
    </div>
  );
}

function Dots({ label }: { label: string }) {
  return (
    <span role="img" aria-label={label} className="ms-1 inline-flex items-center gap-1 align-middle">
      {["", "[animation-delay:150ms]", "[animation-delay:300ms]"].map((delay) => (
        <span key={delay} className={cn("size-1.5 animate-pulse rounded-full bg-soft", delay)} />
      ))}
    </span>
  );
}
