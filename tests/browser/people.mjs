// What a person does on the pages on which a wallet signs, in a real Chromium with wallets that behave and wallets that do
// not. Reads {origin, open, chain, links: {name: path}, keys: {name: key}, consents: {name: id}, folder} from standard
// input; writes what was seen, by scene, to standard output as JSON.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { found } from "./chromium.mjs";
import { give, malleable, refusal } from "./wallets.mjs";

const asked = JSON.parse(readFileSync(0, "utf8"));
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SIGN = "eth_signTypedData_v4";
const report = { violations: [], refused: [], strangers: [], errors: [], wide: [], judged: 0, scenes: {} };

// -- a browser and what is watched in it ------------------------------------------------------------------------------

const { path, env } = await found();
const fonts = join(dirname(path), "fonts");
if (existsSync(join(fonts, "fonts.conf")) && !existsSync("/etc/fonts/fonts.conf")) env.FONTCONFIG_PATH = fonts;
const args = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--headless=shell"];
const browser = await chromium.launch({ executablePath: path, args, env: { ...process.env, ...env } });

async function opened({ wallets = [], legacy = false, expected = [], ...options } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en", viewport: DESKTOP, ...options });
  const held = wallets.length ? await give(context, wallets.map((each) => ({ chain: asked.chain, ...each })), { legacy }) : [];
  context.on("page", (page) => watched(page, expected));
  await context.addInitScript(() => {
    window.__refused = [];
    document.addEventListener("securitypolicyviolation", (event) => window.__refused.push(event.violatedDirective));
  });
  return { context, held, page: await context.newPage() };
}

// `expected`: patterns of the browser's own words on answers that the scene is about.
function watched(page, expected) {
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "blob:" && ![asked.origin, asked.open].includes(origin)) report.strangers.push(request.url());
    if (request.url().endsWith("/reports")) report.refused.push(`reported: ${request.postData()}`);
  });
  page.on("console", (message) => {
    const isExpected = expected.some((each) => each.test(message.text()));
    if (["error", "warning"].includes(message.type()) && !isExpected) report.errors.push(message.text());
  });
  page.on("pageerror", (error) => report.errors.push(String(error)));
}

// What a screen reader, a narrow screen and the policy say of a page as it is now.
async function judged(page, where) {
  for (const each of await page.evaluate(() => window.__refused)) report.refused.push(`${where}: ${each}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) report.wide.push(`${where}: ${over} px`);
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(axe + ";0");
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    const options = scheme === "dark" ? { runOnly: { type: "rule", values: ["color-contrast"] } } : {};
    const found = await page.evaluate(async (given) => (await window.axe.run(document, given)).violations, options);
    for (const { id, nodes } of found) report.violations.push(`${where} ${scheme}: ${id}: ${nodes[0].html.slice(0, 300)}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  report.judged += 1;
}

// -- what a person does -----------------------------------------------------------------------------------------------

async function read(page, link, origin = asked.origin) {
  await page.goto(origin + link);
  await page.locator("#sign").waitFor();
}

async function pick(page, mode = 32) {
  await page.locator(`input[data-mode='${mode}']`).check();
}

// Presses, and says what came of it: the name of what was said, or of the box that opened.
async function press(page, button = "#sign") {
  await page.evaluate(() => (document.getElementById("outcome").dataset.entry = ""));
  await page.locator(button).click();
  const over = () => {
    const box = [...document.querySelectorAll(".outcome-box.good")].find((each) => !each.hidden);
    return box?.id || document.querySelector("#outcome.bad")?.dataset.entry || false;
  };
  return (await page.waitForFunction(over, null, { timeout: 60_000 })).jsonValue();
}

async function consented(page, link, origin) {
  await read(page, link, origin);
  await pick(page);
  const outcome = await press(page);
  return outcome === "given" ? (await page.locator("[data-consent]").textContent()).trim() : outcome;
}

const signatures = (wallet) => wallet.asked.filter(({ method }) => method === SIGN).length;

async function saved(page, link) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator(link).click()]);
  return JSON.parse(readFileSync(await download.path(), "utf8"));
}

// -- scenes -----------------------------------------------------------------------------------------------------------

const scenes = {
  // One person on a desktop: reads, picks, signs, keeps the receipt; a second tab and the back button change nothing.
  async giving() {
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.one] }] });
    await read(page, asked.links.one);
    const second = await context.newPage();
    await read(second, asked.links.one);
    await judged(page, "giving");
    const before = await page.locator("#sentence").textContent();
    const unpicked = await press(page);
    await pick(page);
    const sentence = await page.locator("#sentence").textContent();
    const outcome = await press(page);
    await judged(page, "given");
    const consent = (await page.locator("[data-consent]").textContent()).trim();
    const receipt = await saved(page, "a[data-receipt]");
    await pick(second);
    const otherTab = await press(second);
    const named = await second.locator("#outcome").textContent();
    await page.locator("a[data-withdrawal]").click();
    await page.locator("#sign").waitFor();
    await judged(page, "withdrawing");
    await page.goBack();
    await page.locator("#consenting").waitFor();
    const back = (await page.locator("#given").isVisible()) ? "given" : await pick(page).then(() => press(page));
    const sent = held[0].asked.filter(({ method }) => method === SIGN).map(({ params }) => JSON.parse(params[1]));
    await context.close();
    return { before, unpicked, sentence, outcome, consent, receipt, otherTab, named: named.includes(consent), back, sent };
  },

  // Another on a phone, in Chinese, with two wallets of which the second is chosen.
  async onAPhone() {
    const wallets = [{ name: "甲", keys: [asked.keys.spare] }, { name: "乙", keys: [asked.keys.two] }];
    const { context, page, held } = await opened({ wallets, locale: "zh-CN", viewport: PHONE });
    await read(page, asked.links.two);
    await pick(page);
    const unchosen = await press(page);
    const names = await page.locator("#wallets label").allTextContents();
    await page.getByRole("radio", { name: "乙" }).check();
    const outcome = await press(page);
    await judged(page, "given on a phone");
    const receipt = await saved(page, "a[data-receipt]");
    await context.close();
    return { unchosen, names: names.map((each) => each.trim()), outcome, receipt, used: held.map(signatures) };
  },
};

try {
  const only = asked.only ?? Object.keys(scenes);
  for (const name of only) report.scenes[name] = await scenes[name]();
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
