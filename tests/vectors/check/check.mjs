// Checks every vector file beside this folder with the second implementation. Prints one line a file and, last,
// {"files", "cases", "wrong": [...]} as JSON; exits 1 when a case is wrong or a file has no implementation.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Refused, canonicalJson } from "./bytes.mjs";
import { formats } from "./formats.mjs";

export async function outcome(format, input) {
  try {
    return { expected: await formats[format](input) };
  } catch (reason) {
    if (reason instanceof Refused) return { error: reason.code };
    throw reason;
  }
}

async function isRight(format, { input, expected, error }) {
  const found = await outcome(format, input);
  return error === undefined ? canonicalJson(found.expected ?? found) === canonicalJson(expected) : found.error === error;
}

async function main() {
  const folder = join(dirname(fileURLToPath(import.meta.url)), "..");
  const report = { files: 0, cases: 0, wrong: [] };
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".json")).sort()) {
    const vectors = JSON.parse(readFileSync(join(folder, name), "utf8"));
    report.files += 1;
    if (!(vectors.format in formats)) {
      report.wrong.push(`${name}: no second implementation of ${vectors.format}`);
      continue;
    }
    for (const each of vectors.cases) {
      report.cases += 1;
      if (!(await isRight(vectors.format, each))) report.wrong.push(`${name}: ${each.name}`);
    }
    console.log(`${name}: ${vectors.cases.length} cases`);
  }
  console.log(JSON.stringify(report));
  process.exitCode = report.wrong.length ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
