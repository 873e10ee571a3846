// What the pages that have something signed do alike: words, what is said of how far it is, requests, downloads.
"use strict";

import { Asking, Stop, discover, isSame } from "./wallet.js";

const place = document.getElementById("asked");
export const asked = JSON.parse(place.dataset.said);
const words = JSON.parse(place.dataset.words);

export function say(entry, values = {}) {
  return words[entry].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Says how far it is, or what stopped it.
export function tell(entry, values, { bad = false } = {}) {
  const told = document.getElementById("outcome");
  told.textContent = entry ? say(entry, values) : "";
  told.className = bad ? "outcome bad" : "outcome";
  told.dataset.entry = entry ?? "";
}

// The wallets as a choice; `wallet()` is the one that is chosen.
export function wallets() {
  const box = document.getElementById("wallets");
  let known = [];
  let picked = null;
  const chosen = () => known.find(({ id }) => id === picked) ?? (known.length === 1 ? known[0] : undefined);
  discover((found) => {
    known = found;
    box.replaceChildren(...known.map((each) => choice(each, each === chosen(), () => (picked = each.id))));
    document.getElementById("no-wallet").hidden = known.length > 0;
    document.getElementById("which-wallet").hidden = known.length < 2;
  });
  return () => chosen()?.provider;
}

function choice({ id, name }, checked, pick) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "wallet", value: id, checked });
  input.addEventListener("change", pick);
  label.append(input, " ", name ?? say("legacy"));
  return label;
}

// Does something at the press of a button, once at a time, and tells what stops it.
export function onPress(button, act) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    await trying(act);
    button.disabled = false;
  });
}

export async function trying(act) {
  try {
    await act();
  } catch (error) {
    tell(error instanceof Stop ? error.entry : "failed", error.values ?? { code: String(error) }, { bad: true });
    if (!(error instanceof Stop)) throw error;
  }
}

// The same with the wallet that is chosen: `act` is given an asking.
export function onSigning(button, wallet, act) {
  onPress(button, async () => {
    if (!window.isSecureContext) throw new Stop("unsafe");
    const provider = wallet();
    if (!provider) throw new Stop(document.getElementById("which-wallet").hidden ? "none" : "choose");
    const asking = new Asking(provider, asked.domain.chainId);
    try {
      await act(asking);
    } finally {
      asking.end();
    }
  });
}

// JSON of this service; a Stop where it says no or nothing. `entries`: what is said of some codes of problems.
export async function ask(method, path, body, { entries = {}, key } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = `"${key}"`;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Stop("unreachable");
  }
  const said = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok && (said !== null || answer.status === 204)) return said;
  if (answer.status >= 500 || answer.status === 429 || said === null) throw new Stop("unreachable");
  const stop = new Stop(entries[said.code] ?? "declined", { reason: said.detail ?? String(answer.status) });
  throw Object.assign(stop, { problem: said });
}

// Signs in (EIP-4361) where the service asks who somebody is and does not know it is this account yet.
export async function signIn(asking) {
  if (!asked.door) return;
  const me = await ask("GET", "/me");
  if (isSame(me.account, asking.account)) return;
  const { message } = await ask("POST", "/session/nonce", { address: asking.account });
  const first = `${location.host} wants you to sign in with your Ethereum account:`;
  const [line, account] = message.split("\n");
  if (line !== first || !isSame(account, asking.account)) throw new Stop("wrong_message");
  const signature = await asking.signText(message);
  await ask("POST", "/session", { message, signature }, { entries: { "invalid-signature": "foreign" } });
}

// Makes a link the download of this JSON.
export function download(link, value, name) {
  const blob = new Blob([JSON.stringify(value, null, 2)], { type: "application/json" });
  link.href = URL.createObjectURL(blob);
  link.download = name;
}
