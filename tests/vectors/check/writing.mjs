// Writes a vector file: cases with what the second implementation makes of them, or the error by which it refuses them.

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { outcome } from "./check.mjs";

export const folder = join(dirname(fileURLToPath(import.meta.url)), "..");

/** A writer for the files of one maker; it gives what is expected, by the names of the cases. */
export const writer = (madeBy) => async (format, about, cases) => {
  const names = cases.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw new Error(`${format}: two cases of one name`);
  const made = [];
  for (const { name, input, error } of cases) {
    const found = await outcome(format, input);
    if (error !== found.error) throw new Error(`${format}: ${name}: ${JSON.stringify(found)} and not ${error}`);
    made.push(error === undefined ? { name, input, expected: found.expected } : { name, input, error });
  }
  const vectors = { format, version: 1, about, madeBy, cases: made };
  writeFileSync(join(folder, `${format}.json`), JSON.stringify(vectors, null, 1) + "\n");
  return Object.fromEntries(made.map((each) => [each.name, each.expected]));
};
