import { readdirSync } from "node:fs";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const features = readdirSync(new URL("./src/features", import.meta.url));
const HAS_WORDS = /\p{L}/u;
const SPOKEN = new Set([
  "alt",
  "aria-description",
  "aria-label",
  "aria-placeholder",
  "description",
  "hint",
  "label",
  "placeholder",
  "title",
]);

/** Words on the screen come from src/i18n; a literal between tags or in a spoken attribute cannot be translated. */
const noLiteralText = {
  meta: { type: "problem", schema: [], messages: { literal: 'Text belongs in src/i18n/messages: use t("…").' } },
  create(context) {
    const literal = (node) => context.report({ node, messageId: "literal" });
    return {
      JSXText: (node) => HAS_WORDS.test(node.value) && literal(node),
      JSXAttribute(node) {
        if (!SPOKEN.has(node.name.name) || node.value === null) return;
        const value = node.value.type === "JSXExpressionContainer" ? node.value.expression : node.value;
        if (value.type === "Literal" && typeof value.value === "string" && HAS_WORDS.test(value.value)) literal(node);
        if (value.type === "TemplateLiteral" && value.quasis.some((part) => HAS_WORDS.test(part.value.raw))) literal(node);
      },
      "JSXElement > JSXExpressionContainer > Literal": (node) =>
        typeof node.value === "string" && HAS_WORDS.test(node.value) && literal(node),
    };
  },
};

/** A feature stands on components, api and lib alone; what two features need moves there. */
const boundaries = features.map((feature) => ({
  files: [`src/features/${feature}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: features.filter((other) => other !== feature).map((other) => `@/features/${other}/*`),
            message: "Features do not import each other.",
          },
          { group: ["@/routes/*", "../*"], message: "Import by the @ alias, and never a route." },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts", "public", "test-results", "playwright-report"] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    plugins: { konstruct: { rules: { "no-literal-text": noLiteralText } } },
    rules: {
      "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-invalid-void-type": "off",
      eqeqeq: "error",
      "max-lines": ["error", { max: 300, skipBlankLines: false }],
      "max-params": ["error", 5],
      "no-console": "error",
    },
  },
  { files: ["src/**/*.tsx"], ignores: ["src/**/*.test.tsx"], rules: { "konstruct/no-literal-text": "error" } },
  {
    files: ["src/components/**/*.{ts,tsx}", "src/api/**/*.ts", "src/lib/**/*.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["@/features/*", "@/routes/*"], message: "Shared code knows no feature." }] },
      ],
    },
  },
  ...boundaries,
);
