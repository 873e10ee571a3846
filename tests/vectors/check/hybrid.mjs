// Format 17 with the hybrid KEM 0x647a: ML-KEM-768 (FIPS 203) by the letter, X-Wing over it, HPKE over that. SHA-3 by
// noble; X25519 and AES-256-GCM by WebCrypto. Slow and not constant in time: it checks vectors, it keeps no secret.

import { bytes, concat, hex, refuse, uint, utf8 } from "./bytes.mjs";
import { sha3_256, sha3_512, shake128, shake256 } from "./modules.mjs";
import { envelopeInfo, exchange, gcm, hpkeKeys, publicOf } from "./vault.mjs";

const [Q, N, RANK, DU, DV] = [3329, 256, 3, 10, 4];
const KEM_ID = 0x647a;
const CIPHERTEXT = 32 * (RANK * DU + DV);

// -- numbers modulo Q, polynomials as arrays of 256 of them

const mod = (value) => ((value % Q) + Q) % Q;
const rows = Array.from({ length: RANK }, (_, i) => i);
const add = (a, b) => a.map((value, i) => mod(value + b[i]));
const subtract = (a, b) => a.map((value, i) => mod(value - b[i]));
const power = (exponent) => Array.from({ length: exponent }).reduce((value) => mod(17 * value), 1);
const reversed7 = (value) => parseInt(value.toString(2).padStart(7, "0").split("").reverse().join(""), 2);
const ZETAS = Array.from({ length: 128 }, (_, i) => power(reversed7(i)));
const GAMMAS = Array.from({ length: 128 }, (_, i) => power(2 * reversed7(i) + 1));

function ntt(polynomial) {
  const f = [...polynomial];
  let zeta = 1;
  for (let length = 128; length >= 2; length /= 2) {
    for (let start = 0; start < N; start += 2 * length, zeta += 1) {
      for (let j = start; j < start + length; j += 1) {
        const t = mod(ZETAS[zeta] * f[j + length]);
        [f[j], f[j + length]] = [mod(f[j] + t), mod(f[j] - t)];
      }
    }
  }
  return f;
}

function inverseNtt(transformed) {
  const f = [...transformed];
  let zeta = 127;
  for (let length = 2; length <= 128; length *= 2) {
    for (let start = 0; start < N; start += 2 * length, zeta -= 1) {
      for (let j = start; j < start + length; j += 1) {
        const t = f[j];
        [f[j], f[j + length]] = [mod(t + f[j + length]), mod(ZETAS[zeta] * (f[j + length] - t))];
      }
    }
  }
  return f.map((value) => mod(value * 3303));
}

function multiply(f, g) {
  const h = new Array(N);
  for (let i = 0; i < N; i += 2) {
    h[i] = mod(f[i] * g[i] + mod(f[i + 1] * g[i + 1]) * GAMMAS[i / 2]);
    h[i + 1] = mod(f[i] * g[i + 1] + f[i + 1] * g[i]);
  }
  return h;
}

const zero = () => new Array(N).fill(0);
const dot = (left, right) => left.reduce((sum, each, i) => add(sum, multiply(each, right[i])), zero());

// -- bits and bytes

function encode(polynomial, width) {
  const out = new Uint8Array(32 * width);
  polynomial.forEach((value, i) => {
    for (let bit = 0; bit < width; bit += 1) {
      const at = i * width + bit;
      out[at >> 3] |= ((value >> bit) & 1) << (at & 7);
    }
  });
  return out;
}

function decode(data, width) {
  return Array.from({ length: N }, (_, i) => {
    let value = 0;
    for (let bit = 0; bit < width; bit += 1) {
      const at = i * width + bit;
      value |= ((data[at >> 3] >> (at & 7)) & 1) << bit;
    }
    return value;
  });
}

const compress = (polynomial, width) => polynomial.map((value) => Math.floor((value * 2 ** width + (Q - 1) / 2) / Q) % 2 ** width);
const decompress = (polynomial, width) => polynomial.map((value) => Math.floor((value * Q + 2 ** (width - 1)) / 2 ** width));
const pieces = (data, size) => rows.map((i) => data.slice(i * size, (i + 1) * size));

// -- sampling

function uniform(seed, column, row) {
  const stream = shake128(concat(seed, Uint8Array.of(column, row)), { dkLen: 168 * 8 });
  const found = [];
  for (let at = 0; found.length < N; at += 3) {
    const [a, b, c] = stream.slice(at, at + 3);
    for (const value of [a + 256 * (b % 16), (b >> 4) + 16 * c]) if (value < Q && found.length < N) found.push(value);
  }
  return found;
}

function binomial(seed, counter) {
  const bits = shake256(concat(seed, Uint8Array.of(counter)), { dkLen: 128 });
  const bit = (at) => (bits[at >> 3] >> (at & 7)) & 1;
  return Array.from({ length: N }, (_, i) => mod(bit(4 * i) + bit(4 * i + 1) - bit(4 * i + 2) - bit(4 * i + 3)));
}

const matrix = (rho) => rows.map((i) => rows.map((j) => uniform(rho, j, i)));

// -- ML-KEM-768

function generate(d, z) {
  const seeds = sha3_512(concat(d, Uint8Array.of(RANK)));
  const [rho, sigma] = [seeds.slice(0, 32), seeds.slice(32)];
  const a = matrix(rho);
  const s = rows.map((i) => ntt(binomial(sigma, i)));
  const e = rows.map((i) => ntt(binomial(sigma, RANK + i)));
  const t = rows.map((i) => add(dot(a[i], s), e[i]));
  return { publicKey: concat(...t.map((each) => encode(each, 12)), rho), s, z };
}

function encrypt(publicKey, message, coins) {
  const t = pieces(publicKey, 384).map((each) => decode(each, 12));
  const a = matrix(publicKey.slice(384 * RANK));
  const y = rows.map((i) => ntt(binomial(coins, i)));
  const u = rows.map((i) => add(inverseNtt(dot(rows.map((j) => a[j][i]), y)), binomial(coins, RANK + i)));
  const noise = add(binomial(coins, 2 * RANK), decompress(decode(message, 1), 1));
  const v = add(inverseNtt(dot(t, y)), noise);
  return concat(...u.map((each) => encode(compress(each, DU), DU)), encode(compress(v, DV), DV));
}

function encapsulate(publicKey, message) {
  const derived = sha3_512(concat(message, sha3_256(publicKey)));
  return { shared: derived.slice(0, 32), ciphertext: encrypt(publicKey, message, derived.slice(32)) };
}

function decapsulate({ publicKey, s, z }, ciphertext) {
  const u = pieces(ciphertext, 32 * DU).map((each) => ntt(decompress(decode(each, DU), DU)));
  const v = decompress(decode(ciphertext.slice(32 * DU * RANK), DV), DV);
  const message = encode(compress(subtract(v, inverseNtt(dot(s, u))), 1), 1);
  const again = encapsulate(publicKey, message);
  const whole = hex(again.ciphertext) === hex(ciphertext);
  return whole ? again.shared : shake256(concat(z, ciphertext), { dkLen: 32 });
}

// -- X-Wing

const combine = (lattice, curve, ciphertext, publicKey) => sha3_256(concat(lattice, curve, ciphertext, publicKey, utf8("\\.//^\\")));

async function keys(seed) {
  const expanded = shake256(seed, { dkLen: 96 });
  const lattice = generate(expanded.slice(0, 32), expanded.slice(32, 64));
  const secret = expanded.slice(64);
  return { lattice, secret, point: await publicOf(secret) };
}

async function open(seed, context, data) {
  if (data.length < 7 + CIPHERTEXT + 32 + 16) refuse("invalid-format", "truncated");
  const [inner, outer] = [data.slice(7, 7 + CIPHERTEXT), data.slice(7 + CIPHERTEXT, 7 + CIPHERTEXT + 32)];
  const { lattice, secret, point } = await keys(seed);
  const shared = combine(decapsulate(lattice, inner), await exchange(secret, outer), outer, point);
  const { key, nonce } = hpkeKeys(KEM_ID, shared, envelopeInfo(context));
  return { seeds: hex(await gcm("decrypt", key, nonce, data.slice(7 + CIPHERTEXT + 32), new Uint8Array())) };
}

export async function hybridEnvelope({ recipientPrivateKey, encapsulationSeed, context, seeds, envelope }) {
  const seed = bytes(recipientPrivateKey, 32);
  if (envelope !== undefined) return open(seed, context, bytes(envelope));
  const { lattice, point } = await keys(seed);
  const random = bytes(encapsulationSeed, 64);
  const inner = encapsulate(lattice.publicKey, random.slice(0, 32));
  const outer = await publicOf(random.slice(32));
  const shared = combine(inner.shared, await exchange(random.slice(32), point), outer, point);
  const { key, nonce } = hpkeKeys(KEM_ID, shared, envelopeInfo(context));
  const sealed = await gcm("encrypt", key, nonce, bytes(seeds), new Uint8Array());
  const whole = concat(utf8("DBEN"), Uint8Array.of(1), uint(KEM_ID, 2), inner.ciphertext, outer, sealed);
  if ((await open(seed, context, whole)).seeds !== seeds) throw new Error("the envelope does not open to what was sealed");
  return { recipientPublicKey: hex(concat(lattice.publicKey, point)), envelope: hex(whole) };
}
