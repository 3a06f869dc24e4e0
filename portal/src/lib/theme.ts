import { useSyncExternalStore } from "react";
import { readItem, writeItem } from "@/lib/storage";

export type ThemeChoice = "system" | "light" | "dark";

const KEY = "konstruct.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function choice(): ThemeChoice {
  const stored = readItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "system";
}

function apply() {
  const chosen = choice();
  const dark = chosen === "dark" || (chosen === "system" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  listeners.forEach((listener) => listener());
}

system.addEventListener("change", apply);

export function setTheme(next: ThemeChoice) {
  writeItem(KEY, next === "system" ? null : next);
  apply();
}

export function useTheme(): ThemeChoice {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, choice);
}
