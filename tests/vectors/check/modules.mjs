// Finds the npm packages of the second implementation: in DEEDBOOK_NODE_MODULES, else in contracts/node_modules.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.env.DEEDBOOK_NODE_MODULES ?? join(here, "../../../contracts/node_modules");
const { resolve } = createRequire(join(folder, "resolver.js"));

const load = (name) => import(pathToFileURL(resolve(name)).href);

export const { keccak_256, sha3_256, sha3_512, shake128, shake256 } = await load("@noble/hashes/sha3.js");
export const { sha256 } = await load("@noble/hashes/sha2.js");
export const { extract, expand, hkdf } = await load("@noble/hashes/hkdf.js");
export const { secp256k1 } = await load("@noble/curves/secp256k1.js");
export const viem = await load("viem");
export const viemAccounts = await load("viem/accounts");
export const { ethers } = await load("ethers");
export const subtle = globalThis.crypto.subtle;
