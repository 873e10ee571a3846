// The wallets of this browser (EIP-6963, and window.ethereum of EIP-1193 where none announces itself), and one signature
// asked of one of them. Whatever is not as it was asked for - another account, another chain, a signature of another
// form - ends the asking with a `Stop`, whose `entry` names the words to say. Nothing is kept here.
"use strict";

export class Stop extends Error {
  constructor(entry, values = {}) {
    super(entry);
    this.entry = entry;
    this.values = values;
  }
}

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const ORDER = 2n * HALF_ORDER + 1n;

// Calls `found` with the wallets known so far, again for each that comes later: [{id, name, provider}].
export function discover(found) {
  const known = new Map();
  const tell = () => {
    const own = window.ethereum;
    const alone = own?.request ? [{ id: "legacy", name: null, provider: own }] : [];
    found(known.size ? [...known.values()] : alone);
  };
  window.addEventListener("eip6963:announceProvider", ({ detail }) => {
    const { info, provider } = detail ?? {};
    if (typeof info?.uuid !== "string" || typeof info.name !== "string" || typeof provider?.request !== "function") return;
    known.set(info.uuid, { id: info.uuid, name: info.name.slice(0, 60), provider });
    tell();
  });
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  tell();
}

// One asking: from the first account that the wallet gives, everything is that account's and on that chain, to the end.
export class Asking {
  constructor(provider, chainId) {
    this.provider = provider;
    this.chainId = BigInt(chainId);
    this.account = null;
    this.changed = null;
    this.heard = {
      accountsChanged: (accounts) => this.account && !isSame(accounts?.[0], this.account) && this.note("other_account"),
      chainChanged: (chain) => this.account && BigInt(chain) !== this.chainId && this.note("other_chain"),
      disconnect: () => this.note("away"),
    };
    for (const [name, heard] of Object.entries(this.heard)) provider.on?.(name, heard);
  }

  note(entry) {
    this.changed ??= entry;
  }

  end() {
    for (const [name, heard] of Object.entries(this.heard)) this.provider.removeListener?.(name, heard);
  }

  async request(method, params) {
    try {
      return await this.provider.request({ method, params });
    } catch (error) {
      throw new Stop(ENTRY_OF[error?.code] ?? "failed", { code: String(error?.code ?? "") });
    }
  }

  // The account of who asks; on the right chain, or not at all.
  async connect() {
    const accounts = await this.request("eth_requestAccounts", []);
    if (!Array.isArray(accounts) || !/^0x[0-9a-fA-F]{40}$/.test(accounts[0])) throw new Stop("locked");
    const chain = BigInt(await this.request("eth_chainId", []));
    if (chain !== this.chainId) throw new Stop("wrong_chain", { chain: String(chain), wanted: String(this.chainId) });
    this.account = accounts[0];
    return this.account;
  }

  // That nothing changed since.
  async same() {
    if (this.changed) throw new Stop(this.changed);
    const [accounts, chain] = [await this.request("eth_accounts", []), await this.request("eth_chainId", [])];
    if (!isSame(accounts?.[0], this.account)) throw new Stop("other_account");
    if (BigInt(chain) !== this.chainId) throw new Stop("other_chain");
  }

  async signTyped(typed) {
    return this.signed("eth_signTypedData_v4", [this.account, JSON.stringify(typed)]);
  }

  async signText(text) {
    const bytes = new TextEncoder().encode(text);
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return this.signed("personal_sign", [`0x${hex}`, this.account], { key: false });
  }

  async signed(method, params, { key = true } = {}) {
    await this.same();
    const signature = await this.request(method, params);
    await this.same();
    return key ? formed(signature) : String(signature);
  }
}

// A key's signature in its one form: r || s || v, s in the lower half (EIP-2), v 27 or 28.
export function formed(signature) {
  if (typeof signature !== "string" || !/^0x[0-9a-fA-F]{130}$/.test(signature)) throw new Stop("no_signature");
  const [r, s] = [BigInt(signature.slice(0, 66)), BigInt(`0x${signature.slice(66, 130)}`)];
  let v = parseInt(signature.slice(130), 16);
  if (v < 2) v += 27; // as some devices count it
  if (v !== 27 && v !== 28) throw new Stop("no_signature");
  if (r === 0n || r >= ORDER || s === 0n || s >= ORDER) throw new Stop("no_signature");
  if (s > HALF_ORDER) throw new Stop("malleable");
  return (signature.slice(0, 130) + v.toString(16)).toLowerCase();
}

export function isSame(one, other) {
  return typeof one === "string" && typeof other === "string" && one.toLowerCase() === other.toLowerCase();
}

// Codes of EIP-1193 and of JSON-RPC, and what is said of them.
const ENTRY_OF = { 4001: "refused", 4100: "refused", 4900: "away", 4901: "away", [-32002]: "busy" };
