import { messages, type MessageKey, type Messages } from "@/i18n/messages";

/**
 * The one way from a key to words. Keys and the names of their parameters are checked by the compiler;
 * another language is another file of the same keys.
 */
type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Words<Message> = Message extends string ? Message : Message extends { other: infer Other extends string } ? Other : never;
type Params<Key extends MessageKey> = Messages[Key] extends string ? Names<Words<Messages[Key]>> : Names<Words<Messages[Key]>> | "count";
type Values<Key extends MessageKey> = [Params<Key>] extends [never] ? [] : [values: { [Name in Params<Key>]: string | number }];

export const locale = "en";
const plural = new Intl.PluralRules(locale);
const numbers = new Intl.NumberFormat(locale);

export function t<Key extends MessageKey>(key: Key, ...[values]: Values<Key>): string {
  const given: Record<string, string | number> = values ?? {};
  return fill(pick(messages[key], given["count"]), given);
}

function pick(message: string | { one?: string; other: string }, count: string | number | undefined): string {
  if (typeof message === "string") return message;
  const form = plural.select(Number(count ?? 0));
  return form === "one" && message.one !== undefined ? message.one : message.other;
}

function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? numbers.format(value) : value;
  });
}
