// What a person does on the pages on which a wallet signs, in a real Chromium with wallets that behave and wallets that do
// not. Reads {origin, open, chain, links: {name: path}, keys: {name: key}, consents: {name: id}, folder} from standard
// input; writes what was seen, by scene, to standard output as JSON.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { found } from "./chromium.mjs";
import { give, malleable, refusal } from "./wallets.mjs";

const asked = await json(process.stdin);
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

// What a page says that stops before anything is pressed; that nothing can be pressed on it.
async function stopped(page, link) {
  await page.goto(asked.origin + link);
  await page.locator("#outcome.bad").waitFor();
  const pressed = await page.locator("#sign").isVisible();
  return pressed ? "can be signed" : page.locator("#outcome").getAttribute("data-entry");
}

const handedIn = (url) => url.pathname === "/consents";
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

  // A withdrawal of what is in a batch, by another, and again; and of what is in none yet.
  async withdrawing() {
    const link = `/explore/consents/${asked.consents.anchored}/withdrawal`;
    const other = await opened({ wallets: [{ keys: [asked.keys.spare] }], expected: [/status of 4/] });
    await read(other.page, link);
    const byAnother = await press(other.page);
    await other.context.close();
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.anchored] }], expected: [/status of 409/], viewport: PHONE });
    await read(page, link);
    const outcome = await press(page);
    await judged(page, "withdrawn");
    const prompts = held[0].asked.filter(({ method }) => !["eth_accounts", "eth_chainId"].includes(method)).length;
    await page.reload();
    const again = await press(page);
    const unlisted = await page.evaluate(() => window.__listening());
    await context.close();
    const own = await opened({ wallets: [{ keys: [asked.keys.three] }] });
    const consent = await consented(own.page, asked.links.three);
    await own.page.locator("a[data-withdrawal]").click();
    await own.page.locator("#sign").waitFor();
    const pending = await press(own.page);
    const afterwards = await consented(own.page, asked.links.three);
    const given = own.held[0].asked.map(({ method }) => method);
    await own.context.close();
    return { byAnother, outcome, prompts, again, unlisted, consent, pending, afterwards, given };
  },

  // One person whose wallet does everything but what it is asked, on one page: what was picked stays, and in the end it
  // is signed once.
  async badWallets() {
    const keys = [asked.keys.four, asked.keys.spare];
    const { context, page, held } = await opened({ wallets: [{ keys }], expected: [/status of 422/] });
    const [wallet] = held;
    const posted = [];
    page.on("request", (request) => request.method() === "POST" && posted.push(new URL(request.url()).pathname));
    await read(page, asked.links.four);
    await pick(page);
    const sentence = await page.locator("#sentence").textContent();
    const on = (wanted, act) => (method, of, go) => (method === wanted ? act(of, go) : go());
    const refuses = (code) => () => {
      throw refusal(code);
    };
    const swapped = async (of, go) => {
      const made = await go();
      of.accounts.reverse();
      return made;
    };
    const moods = [
      ["refuses to connect", on("eth_requestAccounts", refuses(4001))],
      ["waits for an answer", on("eth_requestAccounts", refuses(-32002))],
      ["is locked", on("eth_requestAccounts", () => [])],
      ["breaks", on("eth_requestAccounts", refuses(-32603))],
      ["is on another network", on("eth_chainId", () => "0x1")],
      ["refuses to sign in", on("personal_sign", refuses(4001))],
      ["signs in as another", on("personal_sign", (of) => of.accounts[1].signMessage({ message: "hello" }))],
      ["refuses to sign", on(SIGN, refuses(4001))],
      ["is not connected", on(SIGN, refuses(4900))],
      ["changes account", on(SIGN, swapped)],
      ["tells of another account", on(SIGN, async (of, go) => {
        await of.emit("accountsChanged", [of.accounts[1].address]);
        return go();
      })],
      ["changes network", on(SIGN, async (of, go) => {
        const made = await go();
        of.chain += 1;
        return made;
      })],
      ["changes network and back", on(SIGN, async (of, go) => {
        await of.emit("chainChanged", "0x1");
        await of.emit("chainChanged", `0x${of.chain.toString(16)}`);
        return go();
      })],
      ["goes away", on(SIGN, async (of, go) => {
        await of.emit("disconnect", {});
        return go();
      })],
      ["makes a malleable signature", on(SIGN, async (_, go) => malleable(await go()))],
      ["signs with another key", on(SIGN, (of) => of.accounts[1].sign({ hash: `0x${"11".repeat(32)}` }))],
      ["signs half", on(SIGN, async (_, go) => (await go()).slice(0, 66))],
      ["signs nothing", on(SIGN, () => null)],
      ["counts from nought", on(SIGN, async (_, go) => (await go()).replace(/..$/, (v) => (parseInt(v, 16) - 27).toString(16).padStart(2, "0")))],
    ];
    const outcomes = {};
    for (const [name, mood] of moods) {
      const [accounts, chain] = [[...wallet.accounts], wallet.chain];
      wallet.mood = mood;
      outcomes[name] = await press(page);
      Object.assign(wallet, { accounts, chain });
      if ((await page.locator("#sentence").textContent()) !== sentence) outcomes[name] += ", and the sentence changed";
    }
    await judged(page, "after bad wallets");
    const taken = posted.filter((each) => each === "/consents").length;
    await context.close();
    return { outcomes, taken };
  },

  // A service, or somebody before it, that has something else signed than what is read.
  async badServices() {
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.five] }] });
    await read(page, asked.links.five);
    await pick(page);
    const changes = {
      "another chain": (draft) => (draft.typedData.domain.chainId += 1),
      "another contract": (draft) => (draft.typedData.domain.verifyingContract = draft.typedData.message.subject),
      "another name": (draft) => (draft.typedData.domain.name = "Deedbook"),
      "a salt for the domain": (draft) => (draft.typedData.domain.salt = draft.typedData.message.salt),
      "another type": (draft) => (draft.typedData.primaryType = "EIP712Domain"),
      "a member more": (draft) => draft.typedData.types.Consent.push({ name: "more", type: "uint256" }),
      "another type of a member": (draft) => (draft.typedData.types.Consent[0].type = "bytes20"),
      "more modes": (draft) => (draft.typedData.message.modes = 63),
      "a longer term": (draft) => (draft.typedData.message.validUntil += 1),
      "another buyer": (draft) => (draft.typedData.message.recipientClass = 257),
      "another record": (draft) => (draft.typedData.message.recordCommit = draft.typedData.message.salt),
      "another asset": (draft) => (draft.typedData.message.assetId = "1"),
      "another subject": (draft) => (draft.typedData.message.subject = draft.typedData.message.controller),
      "across borders": (draft) => (draft.typedData.message.crossBorder = true),
      "another sentence": (draft) => (draft.typedData.message.statement += " "),
      "another sentence beside": (draft) => (draft.statement += " "),
      "another document": (draft) => (draft.send.document.consent.modes = 63),
    };
    const outcomes = {};
    for (const [name, change] of Object.entries(changes)) {
      await page.route("**/drafts/consents", async (route) => {
        const answer = await route.fetch();
        const draft = await answer.json();
        change(draft);
        await route.fulfill({ response: answer, json: draft });
      });
      outcomes[name] = await press(page);
      await page.unroute("**/drafts/consents");
    }
    const signed = signatures(held[0]);
    const texts = {
      "another retention": [asked.links.five, "Nothing is delivered after the end", "Everything is delivered after the end"],
      "another label": [asked.links.five, "delivery of the record itself", "queries"],
      "another sentence": [`${asked.links.five}&mode-32=yes`, "only for recruitment", "for anything"],
    };
    for (const [name, [link, from, to]] of Object.entries(texts)) {
      await page.route("**/consents/new?*", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: (await answer.text()).replace(from, to) });
      });
      outcomes[`a page with ${name}`] = await stopped(page, link);
      await page.unroute("**/consents/new?*");
    }
    await page.route("**/documents/*", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replace("merchant", "another") });
    });
    outcomes["another notice"] = await stopped(page, asked.links.five);
    await page.unroute("**/documents/*");
    await context.close();
    return { outcomes, signed };
  },

  // The service goes away half-way: what was signed is kept, saved, and handed in later, once.
  async goneHalfWay() {
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.six] }], expected: [/ERR_FAILED/, /status of 500/] });
    await read(page, asked.links.six);
    await pick(page);
    await page.route("**/drafts/consents", (route) => route.abort());
    const drafting = await press(page);
    await page.unroute("**/drafts/consents");
    await page.route(handedIn, (route) => route.abort());
    const handing = await press(page);
    const still = await press(page, "#again");
    await judged(page, "kept");
    await page.unroute(handedIn);
    const kept = await saved(page, "#kept a");
    const later = await press(page, "#again");
    const receipt = await saved(page, "a[data-receipt]");
    await context.close();
    return { drafting, handing, kept, still, later, receipt, signed: signatures(held[0]) };
  },

  // Without a wallet, with one of the older kind, and without scripts.
  async otherBrowsers() {
    const none = await opened();
    await none.page.goto(asked.origin + asked.links.spare);
    await none.page.locator("#no-wallet").waitFor();
    const without = await press(none.page);
    await judged(none.page, "without a wallet");
    await none.context.close();
    const old = await opened({ wallets: [{ keys: [asked.keys.seven] }], legacy: true });
    const legacy = await consented(old.page, asked.links.seven);
    await old.context.close();
    const plain = await opened({ javaScriptEnabled: false, wallets: [] });
    await plain.page.goto(asked.origin + asked.links.spare);
    await plain.page.locator("input[data-mode='32']").check();
    await plain.page.selectOption("#term", "90");
    await Promise.all([plain.page.waitForNavigation(), plain.page.click("#show")]);
    const sentence = await plain.page.locator("#sentence").textContent();
    const needs = await plain.page.locator("#signing").innerText();
    const buttons = await plain.page.locator("button.act:visible").count();
    await plain.context.close();
    return { without, legacy, sentence, needs, buttons };
  },

  // My data, on a phone: signs in, sees what is the own, names a payee, takes everything along, signs out.
  async own() {
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.own] }], viewport: PHONE, expected: [/status of 404/] });
    await page.goto(`${asked.origin}/explore/own`);
    await page.locator("#sign").waitFor();
    await judged(page, "own, unknown");
    await Promise.all([page.waitForURL((url) => url.pathname === "/explore/own"), page.locator("#sign").click()]);
    await page.locator("#leave").waitFor();
    await judged(page, "own");
    const said = await page.locator("main").innerText();
    const everything = await page.evaluate(() => fetch("/explore/own.json").then((answer) => answer.json()));
    const kept = await page.evaluate(() => fetch("/explore/own").then((answer) => answer.headers.get("cache-control")));
    await page.getByRole("link", { name: "Look" }).first().click();
    await page.locator("#sign").waitFor();
    await judged(page, "own consent");
    const one = await page.locator("main").innerText();
    const evidence = await page.getByRole("link", { name: "download", exact: true }).first().getAttribute("href");
    const proof = await page.evaluate((path) => fetch(path).then((answer) => answer.text()), evidence);
    const unfilled = await press(page, "#look");
    await page.fill("#institution", "A bank");
    await page.fill("#number", "6222020000001234567");
    await page.fill("#holder", "某人");
    const named = await press(page);
    const masked = await page.locator("#masked").textContent();
    await page.locator("#look").click();
    await page.locator("#payee").waitFor();
    const shown = await page.locator("[data-payee='account']").textContent();
    await judged(page, "payee");
    const others = await page.goto(`${asked.origin}/explore/own/consents/${asked.consents.anchored}`);
    const another = others.status();
    await page.goto(`${asked.origin}/explore/own`);
    await Promise.all([page.waitForNavigation(), page.locator("#leave").click()]);
    await page.locator("#sign").waitFor();
    const after = await page.evaluate(() => fetch("/explore/own.json").then((answer) => answer.json()));
    const cookies = await context.cookies();
    await context.close();
    return { said, everything, kept, one, proof, unfilled, named, masked, shown, another, after, cookies, asked: held[0].asked };
  },

  // The same where the service asks nobody: no sign-in, the wallet says which account it is.
  async open() {
    const { context, page, held } = await opened({ wallets: [{ keys: [asked.keys.eight] }] });
    const consent = await consented(page, asked.links.eight, asked.open);
    const again = await consented(page, asked.links.eight, asked.open);
    await page.goto(`${asked.open}/explore/own`);
    await page.locator("#sign").waitFor();
    await judged(page, "own of anybody");
    await Promise.all([page.waitForURL(/account=/), page.locator("#sign").click()]);
    const links = await page.getByRole("link", { name: "Look" }).count();
    await context.close();
    return { consent, again, links, signIns: held[0].asked.filter(({ method }) => method === "personal_sign").length };
  },
};

try {
  const only = asked.only ?? Object.keys(scenes);
  for (const name of only) report.scenes[name] = await scenes[name]();
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
