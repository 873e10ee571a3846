// A Chromium to test with: the one that CHROMIUM names, the machine's own, or the pinned one of npm, unpacked once under
// build/browser. Prints its path and the environment that it needs, or why there is none.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const place = join(root, "build", "browser");

export async function found() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    const own = process.env.CHROMIUM;
    return own ? { path: own, env: {} } : null;
  }
  if (process.env.CHROMIUM) return { path: process.env.CHROMIUM, env: {} };
  mkdirSync(place, { recursive: true });
  process.env.TMPDIR = place; // where the package unpacks what it carries
  const { default: chromium, inflate } = await import("@sparticuz/chromium");
  chromium.setGraphicsMode = false;
  const path = await chromium.executablePath();
  if (!lacks(path, {})) return { path, env: {} };
  const carried = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..", "bin");
  if (!existsSync(join(place, "al2023"))) await inflate(join(carried, "al2023.tar.br"));
  const env = { LD_LIBRARY_PATH: join(place, "al2023", "lib") };
  return lacks(path, env) ? null : { path, env };
}

function lacks(path, env) {
  return execFileSync("ldd", [path], { env: { ...process.env, ...env }, encoding: "utf8" }).includes("not found");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await found()));
