// Notes new cases in ../published.txt: for each case of each vector file, and each recorded file, its SHA-256 (of the
// lines of the case in its file, from its `{` to its `}`; of the whole recorded file). A case that stands there never
// changes and never goes: where one did, this writes nothing, names it and exits 1.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { H, hex, utf8 } from "./bytes.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
const file = join(folder, "published.txt");
const digest = (data) => hex(H(data)).slice(2);

function* cases() {
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".json")).sort()) {
    for (const [lines] of readFileSync(join(folder, name), "utf8").matchAll(/^  \{\n[^]*?^  \}/gm)) {
      yield [`${name}: ${JSON.parse(lines).name}`, digest(utf8(lines))];
    }
  }
  for (const name of readdirSync(join(folder, "recorded")).sort()) {
    yield [`recorded/${name}`, digest(readFileSync(join(folder, "recorded", name)))];
  }
}

function published() {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").map((line) => [line.slice(66), line.slice(0, 64)]);
  } catch (reason) {
    if (reason.code === "ENOENT") return [];
    throw reason;
  }
}

const now = new Map(cases());
const wrong = published().filter(([name, known]) => now.get(name) !== known);
for (const [name] of wrong) console.error(`${name}: ${now.has(name) ? "changed" : "gone"}`);
if (wrong.length) process.exit(1);
writeFileSync(file, [...now].map(([name, known]) => `${known}  ${name}\n`).join(""));
console.log(`${now.size} published`);
