// People and members at the pages, each in a browser of their own with one wallet: a line of JSON on standard input says
// who does what, and a line on standard output what came of it. At the end: what a suspicious operator would have noticed.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { found } from "./chromium.mjs";
import { give, refusal } from "./wallets.mjs";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const DEVICES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const SIGN = "eth_signTypedData_v4";
const QUIET = ["eth_accounts", "eth_chainId"];
const PATIENCE = 240_000;
const report = { violations: [], refused: [], strangers: [], errors: [], wide: [], judged: 0 };
const there = new Map();
let origin = null;
let expected = [];

const { path, env } = await found();
const fonts = join(dirname(path), "fonts");
if (existsSync(join(fonts, "fonts.conf")) && !existsSync("/etc/fonts/fonts.conf")) env.FONTCONFIG_PATH = fonts;
const args = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--headless=shell"];
const browser = await chromium.launch({ executablePath: path, args, env: { ...process.env, ...env } });

const doing = {
  // `complaints`: what the browser's console may say, for the story is about it.
  async begin({ origin: place, complaints = ["status of 409"] }) {
    origin = place;
    expected = complaints;
  },

  // Somebody comes, with a browser and a wallet.
  async meet({ name, key, chain, locale, device }) {
    const context = await browser.newContext({ reducedMotion: "reduce", locale, viewport: DEVICES[device] });
    const [wallet] = await give(context, [{ name, keys: [key], chain }]);
    await context.addInitScript(() => {
      window.__refused = [];
      document.addEventListener("securitypolicyviolation", (event) => window.__refused.push(event.violatedDirective));
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    watched(page);
    there.set(name, { context, page, wallet, where: `${locale} ${device}` });
  },

  // Opens a link that was handed over, picks every use that is offered, signs.
  async consent({ name, link }) {
    const { page } = there.get(name);
    await page.goto(origin + link);
    await page.locator("#sign").waitFor();
    for (const box of await page.locator("input[data-mode]").all()) await box.check();
    const outcome = await pressed(page, page.locator("#sign"));
    return outcome === "given" ? (await page.locator("[data-consent]").textContent()).trim() : outcome;
  },

  async withdraw({ name, link }) {
    const { page } = there.get(name);
    await page.goto(origin + link);
    await page.locator("#sign").waitFor();
    return pressed(page, page.locator("#sign"));
  },

  // Looks at a page: what is answered and said, which forms there are, and whether it asks who looks.
  async look({ name, path }) {
    const { page, where } = there.get(name);
    const answer = await page.goto(origin + path);
    await judged(page, `${path.split("?")[0]} ${where}`);
    return { status: answer.status(), kept: answer.headers()["cache-control"], ...(await seen(page)) };
  },

  // Signs in on a page, or not: what the page says then, or what stopped it; what the wallet was asked.
  async enter({ name, path, mood = "willing" }) {
    const { page, wallet, where } = there.get(name);
    const before = wallet.asked.length;
    wallet.mood = MOODS[mood](page);
    await page.goto(origin + path);
    await page.locator("#sign").waitFor();
    await page.evaluate(() => (document.documentElement.dataset.before = ""));
    await page.locator("#sign").click();
    const over = () => document.querySelector("#outcome.bad")?.dataset.entry || (!("before" in document.documentElement.dataset) && document.readyState === "complete" && "in");
    const outcome = await (await page.waitForFunction(over, null, { timeout: PATIENCE })).jsonValue();
    await judged(page, `${path.split("?")[0]} ${outcome} ${where}`);
    const asked = wallet.asked.slice(before).map(({ method }) => method).filter((each) => !QUIET.includes(each));
    return { outcome, asked, ...(await seen(page)) };
  },

  async leave({ name, path }) {
    const { context, page } = there.get(name);
    await page.goto(origin + path);
    await page.locator("#leave").waitFor();
    await Promise.all([page.waitForEvent("load"), page.locator("#leave").click()]);
    return { cookies: (await context.cookies()).map((each) => each.name), ...(await seen(page)) };
  },

  // Goes to a desk by the list of all, fills in a form, and presses; or presses again (`again`). `cut`: whatever goes to
  // this path does not get there.
  async act({ name, desk, act, fields = {}, mood = "willing", again = false, cut }) {
    const { page, wallet, where } = there.get(name);
    const [before, known] = [signed(wallet).length, wallet.asked.length];
    wallet.mood = MOODS[mood](page);
    const button = again ? formOf(page, act).locator("button.act") : await filled(page, desk, act, fields);
    if (cut) await page.route(cut, (route) => route.abort());
    const outcome = await pressed(page, button);
    if (cut) await page.unroute(cut);
    await judged(page, `${desk} ${act} ${where}`);
    const words = await page.locator(outcome === "acted" ? "#acted" : "#outcome").innerText();
    const done = page.locator(`#${outcome} [data-found]`);
    const found = await done.evaluateAll((all) => Object.fromEntries(all.map((each) => [each.dataset.found, each.value])));
    const link = outcome === "acted" ? await page.locator("[data-transaction]").getAttribute("href") : null;
    const asked = wallet.asked.slice(known).map(({ method }) => method).filter((each) => !QUIET.includes(each));
    return { outcome, words, signed: signed(wallet).slice(before), asked, link, found };
  },

  // Writes what went wrong with a consent of one's own, and presses.
  async complain({ name, path, text, cut }) {
    const { page, wallet, where } = there.get(name);
    await page.goto(origin + path);
    const before = wallet.asked.length;
    const button = page.locator("#complain");
    await button.waitFor();
    const empty = await pressed(page, button);
    await page.fill("#text", text);
    await page.route(cut, (route) => route.abort());
    const away = await pressed(page, button);
    await page.unroute(cut);
    const outcome = await pressed(page, button);
    await judged(page, `complaint ${where}`);
    return { empty, away, outcome, asked: wallet.asked.length - before };
  },

  // Who was signed in is so no more.
  async forget({ name }) {
    await there.get(name).context.clearCookies();
  },

  // The same, with somebody between who changes one word after the other of the call that is to be signed.
  async twist({ name, desk, act, fields, words }) {
    const { page, wallet } = there.get(name);
    const before = signed(wallet).length;
    const button = await filled(page, desk, act, fields);
    const outcomes = [];
    for (const word of words) {
      await page.route("**/drafts/**", async (route) => {
        const answer = await route.fetch();
        if (!answer.ok()) return route.fulfill({ response: answer });
        const draft = await answer.json();
        const end = 10 + 64 * (word + 1); // 0x and four bytes, and the words up to this one
        const { data } = draft.typedData.message;
        draft.typedData.message.data = data.slice(0, end - 1) + (data[end - 1] === "1" ? "2" : "1") + data.slice(end);
        await route.fulfill({ response: answer, json: draft });
      });
      outcomes.push(await pressed(page, button));
      await page.unroute("**/drafts/**");
    }
    return { outcomes, signed: signed(wallet).slice(before) };
  },

  // Follows links by what they lead to, from a page on; the text of the last one.
  async follow({ name, start, links = [] }) {
    const { page } = there.get(name);
    await page.goto(origin + start);
    for (const link of links) await Promise.all([page.waitForURL(`**${link}*`), page.locator(`main a[href*="${link}"]`).first().click()]);
    return page.locator("main").innerText();
  },

  async save({ name, desk, link }) {
    const { page } = there.get(name);
    await atDesk(page, desk);
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator(`a[href="${link}"]`).click()]);
    return { name: file.suggestedFilename(), content: readFileSync(await file.path(), "utf8") };
  },

  async picture({ name, file }) {
    await there.get(name).page.screenshot({ path: file });
  },

  async end() {
    await browser.close();
    return report;
  },
};

// What a wallet does; `forgetful`: the session ends while it signs an act.
const MOODS = {
  willing: () => (_method, _wallet, go) => go(),
  refusing: () => (method, _, go) => ([SIGN, "personal_sign"].includes(method) ? Promise.reject(refusal(4001)) : go()),
  forgetful: (page) => async (method, _, go) => {
    if (method === SIGN) await page.context().clearCookies();
    return go();
  },
};

async function seen(page) {
  const forms = await page.locator("form.acting").evaluateAll((found) => found.map(({ dataset }) => dataset.act ?? dataset.errand));
  return { said: await page.locator("main").innerText(), forms, asks: (await page.locator("#sign").count()) > 0 };
}

// What a wallet signed, by its types.
function signed(wallet) {
  return wallet.asked.filter(({ method }) => method === SIGN).map(({ params }) => JSON.parse(params[1]).primaryType);
}

function formOf(page, act) {
  return page.locator(`form:is([data-act="${act}"], [data-errand="${act}"])`);
}

// The button of a form that is filled in.
async function filled(page, desk, act, fields) {
  await atDesk(page, desk);
  const form = formOf(page, act);
  const folded = page.locator("details.folded", { has: form });
  if (await folded.count()) await folded.locator("summary").click();
  await form.locator("button.act:visible").waitFor(); // the script is there
  for (const [field, value] of Object.entries(fields)) {
    const control = form.locator(`[name="${field}"]`);
    const kind = await control.evaluate((each) => (each.type === "file" ? "file" : each.tagName));
    if (kind === "file") await control.setInputFiles({ name: "records.ndjson", mimeType: "application/x-ndjson", buffer: Buffer.from(value) });
    else await (kind === "SELECT" ? control.selectOption(value) : control.fill(value));
  }
  return form.locator("button.act");
}

async function atDesk(page, desk) {
  await page.goto(`${origin}/explore/`);
  await page.locator('header a[href="/explore/desks"]').click();
  await Promise.all([page.waitForURL(`**${desk}`), page.locator(`main a[href="${desk}"]`).first().click()]);
}

// Presses, and says what came of it: which box opened, or the name of what was said.
async function pressed(page, button) {
  await page.evaluate(() => (document.getElementById("outcome").dataset.entry = ""));
  await button.click();
  const over = () => {
    const box = [...document.querySelectorAll(".outcome-box.good")].find((each) => !each.hidden);
    const isLacking = document.activeElement?.matches("form.acting :invalid");
    return box?.id || document.querySelector("#outcome.bad")?.dataset.entry || (isLacking && "incomplete");
  };
  return (await page.waitForFunction(over, null, { timeout: PATIENCE })).jsonValue();
}

function watched(page) {
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "blob:" && url.origin !== origin) report.strangers.push(request.url());
    if (request.url().endsWith("/reports")) report.refused.push(`reported: ${request.postData()}`);
  });
  page.on("console", (message) => {
    const isExpected = message.type() === "error" && expected.some((each) => message.text().includes(each));
    if (["error", "warning"].includes(message.type()) && !isExpected) report.errors.push(message.text());
  });
  page.on("pageerror", (error) => report.errors.push(String(error)));
}

const known = new Set();

// What a screen reader, a narrow screen and the policy say of a page as it is now; the same one once.
async function judged(page, where) {
  for (const each of await page.evaluate(() => window.__refused)) report.refused.push(`${where}: ${each}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) report.wide.push(`${where}: ${over} px`);
  if (known.has(where)) return;
  known.add(where);
  await page.evaluate(axe + ";0");
  const violations = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations);
  for (const { id, nodes } of violations) report.violations.push(`${where}: ${id}: ${nodes[0].html.slice(0, 300)}`);
  report.judged += 1;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...said } = JSON.parse(line);
  let answer;
  try {
    answer = { result: (await doing[what](said)) ?? null };
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  console.log(JSON.stringify(answer));
  if (what === "end") break;
}
process.exit(0);
