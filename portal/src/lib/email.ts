import { z } from "zod";
import { t } from "@/i18n/translate";

/** Looser than most checks: the first account's address is `owner@localhost`. The server decides. */
export const emailSchema = z
  .string()
  .trim()
  .regex(/^[^\s@]+@[^\s@]+$/, t("login.email_invalid"));
