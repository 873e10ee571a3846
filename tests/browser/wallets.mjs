// Wallets to test with, injected as EIP-6963 has it: what they hold and how they behave stands in this process, and they
// sign with viem, which knows nothing of Deedbook.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const contracts = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "contracts", "node_modules", "anywhere.js");
const { privateKeyToAccount } = createRequire(contracts)("viem/accounts");
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

// Gives a browser's context a wallet for each of `held`: {name, keys, chain}. `mood` is what it does instead of what it
// is asked: a function of (method, wallet, go), where `go()` does what is asked.
export async function give(context, held, { legacy = false } = {}) {
  const wallets = held.map(({ keys, ...rest }, place) => ({
    name: `Wallet ${place}`,
    accounts: keys.map((key) => privateKeyToAccount(key)),
    mood: (_method, _wallet, go) => go(),
    asked: [],
    ...rest,
  }));
  await context.exposeBinding("__walletRequest", async ({ page }, place, method, params) => {
    const wallet = wallets[place];
    wallet.asked.push({ method, params });
    wallet.emit = (event, value) => page.evaluate((given) => window.__emit(...given), [place, event, value]);
    try {
      const go = () => answered(wallet, method, params);
      return { result: await wallet.mood(method, wallet, go) };
    } catch (error) {
      return { error: { code: error.code ?? -32603, message: String(error.message) } };
    }
  });
  await context.addInitScript(injected, { names: wallets.map((each) => each.name), legacy });
  return wallets;
}

export function refusal(code, message = "no") {
  return Object.assign(new Error(message), { code });
}

async function answered(wallet, method, params) {
  const accounts = wallet.accounts.map((each) => each.address);
  if (method === "eth_requestAccounts" || method === "eth_accounts") return accounts;
  if (method === "eth_chainId") return `0x${wallet.chain.toString(16)}`;
  if (method === "personal_sign") return signer(wallet, params[1]).signMessage({ message: { raw: params[0] } });
  if (method === "eth_signTypedData_v4") {
    const { EIP712Domain: _, ...types } = JSON.parse(params[1]).types;
    return signer(wallet, params[0]).signTypedData({ ...JSON.parse(params[1]), types });
  }
  throw refusal(4200, "unsupported");
}

function signer(wallet, address) {
  const found = wallet.accounts.find((each) => each.address.toLowerCase() === address.toLowerCase());
  if (!found) throw refusal(4100, "unauthorized");
  return found;
}

// The same signature with s in the upper half: it recovers to the same key, and whoever saw it could have made it.
export function malleable(signature) {
  const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
  const v = 55 - parseInt(signature.slice(130), 16);
  return signature.slice(0, 66) + s.toString(16).padStart(64, "0") + v.toString(16);
}

// Runs in the page.
function injected({ names, legacy }) {
  const heard = names.map(() => new Map());
  const providers = names.map((_, place) => ({
    request: async ({ method, params }) => {
      const { result, error } = await window.__walletRequest(place, method, params ?? []);
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on: (event, listener) => heard[place].set(event, [...(heard[place].get(event) ?? []), listener]),
    removeListener: (event, listener) =>
      heard[place].set(event, (heard[place].get(event) ?? []).filter((each) => each !== listener)),
  }));
  window.__emit = (place, event, value) => (heard[place].get(event) ?? []).forEach((listener) => listener(value));
  window.__listening = () => heard.flatMap((each) => [...each.values()].flat()).length;
  if (legacy) {
    window.ethereum = providers[0];
    return;
  }
  const announce = () =>
    names.forEach((name, place) => {
      const info = { uuid: `00000000-0000-4000-8000-00000000000${place}`, name, icon: "data:image/svg+xml,", rdns: "test.wallet" };
      const detail = Object.freeze({ info: Object.freeze(info), provider: providers[place] });
      window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
    });
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}
