import type { Page } from "@playwright/test";

/** What a screen reader needs of every page, found in the page itself. */
export function faults(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const visible = (element: Element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
    const show = (element: Element) => element.outerHTML.slice(0, 120);
    const nameOf = (element: Element) => {
      const labelled = (element.getAttribute("aria-labelledby") ?? "")
        .split(" ")
        .map((id) => document.getElementById(id)?.textContent ?? "");
      const labels =
        element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement
          ? [...(element.labels ?? [])]
          : [];
      return [element.getAttribute("aria-label"), ...labelled, ...labels.map((label) => label.textContent), element.textContent]
        .join("")
        .trim();
    };
    const controls = [
      ...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, [role=menuitem], [role=tab]"),
    ].filter(visible);
    controls.filter((element) => nameOf(element) === "").forEach((element) => found.push(`no name: ${show(element)}`));
    if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
    if (document.querySelectorAll("main").length !== 1) found.push("not one main");
    if (document.documentElement.lang === "") found.push("no language");
    if (document.title === "") found.push("no title");
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => found.push(`id twice: ${id}`));
    for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby], [aria-controls]")) {
      for (const attribute of ["aria-describedby", "aria-labelledby"]) {
        for (const id of (element.getAttribute(attribute) ?? "").split(" ").filter(Boolean)) {
          if (document.getElementById(id) === null) found.push(`${attribute} leads nowhere: ${show(element)}`);
        }
      }
    }
    const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(visible).map(({ tagName }) => Number(tagName.slice(1)));
    levels.forEach((level, index) => index > 0 && level > (levels[index - 1] ?? 0) + 1 && found.push(`heading ${level} skips a level`));
    document.querySelectorAll("img:not([alt])").forEach((element) => found.push(`no alt: ${show(element)}`));
    return found;
  });
}

/** The contrast of every text with what is behind it, by WCAG 2.2; the colours are read from a canvas. */
export function faint(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (context === null) return ["no canvas"];
    const paint = (colours: string[]): number[] => {
      context.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
      }
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb: number[]) => {
      const [r = 0, g = 0, b = 0] = rgb.map((value) =>
        value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
      );
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = new Set<string>();
    for (const element of document.querySelectorAll("body *")) {
      const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? "").trim() !== "");
      if (
        words.length === 0 ||
        element.getClientRects().length === 0 ||
        element.closest(":disabled, [aria-hidden=true], [data-disabled], .sr-only") !== null
      )
        continue;
      const behind: string[] = [];
      for (let node: Element | null = element; node !== null; node = node.parentElement)
        behind.unshift(getComputedStyle(node).backgroundColor);
      const style = getComputedStyle(element);
      const [light = 0, dark = 0] = [luminance(paint(behind)), luminance(paint([...behind, style.color]))].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)}: ${(element.textContent ?? "").trim().slice(0, 40)}`);
    }
    return [...found];
  });
}
