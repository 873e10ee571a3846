// Opens pages in a real Chromium and reports what a person, a screen reader and a suspicious operator would notice.
// Reads {origin, pages: {kind: path}, crossed: {kind: path}, more: path, pictures: [{name, path, language, scheme, width, height}], folder} from
// standard input; writes one JSON report to standard output.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { found } from "./chromium.mjs";

const asked = await json(process.stdin);
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const report = { violations: [], refused: [], strangers: [], errors: [], wide: [], checked: 0 };

const browser = await launched();
try {
  await Promise.all([crawl("en", DESKTOP, asked.pages), crawl("zh-CN", PHONE, asked.pages)]);
  await Promise.all([crawl("zh-CN", DESKTOP, asked.crossed), crawl("en", PHONE, asked.crossed)]);
  report.copied = await copied();
  report.more = await more();
  report.keyboard = await keyboard();
  report.without = await withoutScripts();
  for (const picture of asked.pictures) await pictured(picture);
  report.policed = await policed();
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));

async function launched() {
  const { path, env } = await found();
  const fonts = join(dirname(path), "fonts");
  if (existsSync(join(fonts, "fonts.conf")) && !existsSync("/etc/fonts/fonts.conf")) env.FONTCONFIG_PATH = fonts;
  const args = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--headless=shell"];
  return chromium.launch({ executablePath: path, args, env: { ...process.env, ...env } });
}

async function opened(options) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== asked.origin) report.strangers.push(request.url());
    if (request.url().endsWith("/reports")) report.refused.push(`reported: ${request.postData()}`);
  });
  page.on("console", (message) => {
    const expected = message.type() === "error" && /status of 422/.test(message.text()); // the page of an error
    if (["error", "warning"].includes(message.type()) && !expected) report.errors.push(message.text());
  });
  page.on("pageerror", (error) => report.errors.push(String(error)));
  await context.addInitScript(() => {
    window.__refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.__refused.push(event.violatedDirective));
  });
  return { context, page };
}

// Each page in one language on one device; its colours in both schemes.
async function crawl(locale, viewport, pages) {
  const { context, page } = await opened({ locale, viewport, colorScheme: "light" });
  for (const [kind, path] of Object.entries(pages)) {
    await page.goto(asked.origin + path, { waitUntil: "load" });
    const where = `${kind} ${locale} ${viewport.width}`;
    for (const each of await page.evaluate(() => window.__refused)) report.refused.push(`${where}: ${each}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) report.wide.push(`${where}: ${over} px`);
    await page.evaluate(axe + ";0");
    await judged(page, `${where} light`, undefined);
    await page.emulateMedia({ colorScheme: "dark" });
    await judged(page, `${where} dark`, { type: "rule", values: ["color-contrast"] });
    await page.emulateMedia({ colorScheme: "light" });
    report.checked += 1;
  }
  await context.close();
}

async function judged(page, where, runOnly) {
  const options = { resultTypes: ["violations"], ...(runOnly ? { runOnly } : {}) };
  const found = await page.evaluate(async (given) => (await window.axe.run(document, given)).violations, options);
  for (const { id, nodes } of found) report.violations.push(`${where}: ${id}: ${nodes[0].html.slice(0, 300)}`);
}

// A name is copied at the press of a button.
async function copied() {
  const { context, page } = await opened({ locale: "en", permissions: ["clipboard-read", "clipboard-write"] });
  await page.goto(asked.origin + asked.pages.sale);
  const button = page.locator("button.copy").first();
  const wanted = await button.getAttribute("data-copy");
  await button.click();
  await page.locator("#told").filter({ hasText: "Copied" }).waitFor();
  const got = await page.evaluate(() => navigator.clipboard.readText());
  await context.close();
  return got === wanted;
}

// A list goes on in its place, by a request of this origin.
async function more() {
  const { context, page } = await opened({ locale: "en" });
  await page.goto(asked.origin + asked.more);
  const rows = page.locator("tbody tr");
  const before = await rows.count();
  await page.getByRole("link", { name: "Show more" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length > count, before);
  await page.getByRole("link", { name: "Show more" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length > 2 * count, before);
  const names = await page.locator("tbody tr td:first-child a").evaluateAll((links) => links.map((each) => each.href));
  const same = page.url() === asked.origin + asked.more;
  await context.close();
  return { before, after: names.length, distinct: new Set(names).size, same };
}

// From the top: the first stop skips to the content, and the search is reached and used by keys.
async function keyboard() {
  const { context, page } = await opened({ locale: "en" });
  await page.goto(`${asked.origin}/explore/`);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.className);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  const second = await page.evaluate(() => document.activeElement.id);
  await page.keyboard.type("job seekers");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const found = await page.locator("tbody a").count();
  await context.close();
  return { first, second, found };
}

// Everything that was read above can be read without scripts.
async function withoutScripts() {
  const { context, page } = await opened({ locale: "en", javaScriptEnabled: false });
  await page.goto(`${asked.origin}/explore/`);
  await page.fill("#q", "job seekers");
  await Promise.all([page.waitForNavigation(), page.press("#q", "Enter")]);
  await Promise.all([page.waitForNavigation(), page.click("tbody a")]);
  const heading = await page.textContent("h1");
  const buttons = await page.locator("button.copy:visible").count();
  await page.goto(asked.origin + asked.more);
  await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "Show more" }).click()]);
  const rows = await page.locator("tbody tr").count();
  await context.close();
  return { heading, buttons, rows };
}

async function pictured({ name, path, language, scheme, width, height }) {
  const { context, page } = await opened({ locale: language, colorScheme: scheme, viewport: { width, height } });
  await page.goto(asked.origin + path);
  await page.screenshot({ path: join(asked.folder, `${name}.png`) });
  await context.close();
}

// The guard is awake: what a page must not do is refused. Last, for what it leaves is no complaint.
async function policed() {
  const { refused, errors } = report;
  Object.assign(report, { refused: [], errors: [] });
  const { context, page } = await opened({ locale: "en" });
  await page.goto(`${asked.origin}/explore/`);
  const ran = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.__ran = true";
    document.head.append(script);
    return window.__ran === true;
  });
  const told = await page.evaluate(() => window.__refused);
  await context.close();
  Object.assign(report, { refused, errors });
  return { ran, refused: told };
}
