import { z } from "zod";
import { t } from "@/i18n/translate";

/** Numbers in forms are text while they are typed; empty means that none is given. */
export function optionalWhole(least: number, most: number) {
  return z.string().refine((text) => text === "" || (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most), {
    message: t("error.whole_number", { least, most }),
  });
}

export const dollars = z
  .string()
  .trim()
  .min(1, t("error.required"))
  .refine((text) => /^\d+(\.\d{1,9})?$/.test(text), { message: t("error.dollars") });

export const optionalDollars = z
  .string()
  .trim()
  .refine((text) => text === "" || /^\d+(\.\d{1,9})?$/.test(text), { message: t("error.dollars") });

export function numberOf(text: string): number | null {
  return text === "" ? null : Number(text);
}

export function textOf(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}
