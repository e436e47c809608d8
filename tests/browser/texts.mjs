// The catalogue of texts as the program has it, so that a test asks for what a person would see.
import { readFileSync, readdirSync } from "node:fs";
import { parse } from "smol-toml";

const folder = new URL("../../src/serve/pages/texts/", import.meta.url);
const sections = {};
for (const file of readdirSync(folder)) merge(sections, parse(readFileSync(new URL(file, folder), "utf8")));

function merge(into, more) {
  for (const [key, value] of Object.entries(more)) {
    if (typeof into[key] === "object") merge(into[key], value);
    else into[key] = value;
  }
}

// speaking("vi")("desk.sign_in.title") is "Đăng nhập"; {n} and the like are filled in.
export const speaking = (lang) => (key, fill = {}) => {
  const found = key.split(".").reduce((at, part) => at?.[part], sections);
  if (typeof found?.[lang] !== "string") throw new Error(`the catalogue has no text ${key} in ${lang}`);
  return found[lang].replace(/\{(\w+)\}/g, (whole, name) => fill[name] ?? whole);
};
