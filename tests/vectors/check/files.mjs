// Format 41: files of many consents, as lines and as Parquet: written and read by the words of the Parquet format, with
// plain values, no compression and one page for each column of a row group.

import { bytes, concat, parseJson, canonicalJson, refuse, same, utf8 } from "./bytes.mjs";

const MOST = 65536;
const MAGIC = utf8("PAR1");
const [BYTE_ARRAY, INT64] = [6, 2];
const TEXTS = [undefined, 1, 12]; // no logical type, STRING, JSON

export function consentFile({ file }) {
  const data = bytes(file);
  const isParquet = same(data.slice(0, 4), MAGIC);
  const found = isParquet ? texts(data) : lines(Buffer.from(data).toString("utf8"));
  for (const text of found) {
    if (utf8(text).length > MOST) refuse("invalid-format", "longer than a consent can be");
    if (text.includes("\n")) refuse("invalid-format", "more than one line");
  }
  return { unit: isParquet ? "row" : "line", documents: found };
}

function lines(text) {
  const all = text.split("\n");
  if (all[0].trim() === "{") return [canonicalJson(parseJson(text))];
  return all.at(-1) === "" ? all.slice(0, -1) : all;
}

// -- Thrift's compact protocol: a struct is [[id, type, value], ...] to be written, and {id: value} once it was read

const [I32, I64, BINARY, LIST, STRUCT] = [5, 6, 8, 9, 12];

function varint(value) {
  const out = [];
  for (let left = BigInt(value); ; left >>= 7n) {
    if (left < 128n) return Uint8Array.from([...out, Number(left)]);
    out.push(Number(left & 127n) | 128);
  }
}

const coded = {
  [I32]: (value) => varint(2 * value),
  [I64]: (value) => varint(2 * value),
  [BINARY]: (text) => concat(varint(utf8(text).length), utf8(text)),
  [LIST]: ([type, values]) => concat(Uint8Array.of(0xf0 | type), varint(values.length), ...values.map(coded[type])),
  [STRUCT]: (fields) => {
    let last = 0;
    const parts = fields.map(([id, type, value]) => {
      const head = Uint8Array.of(((id - last) << 4) | type);
      last = id;
      return concat(head, coded[type](value));
    });
    return concat(...parts, Uint8Array.of(0));
  },
};

class Reader {
  constructor(data, at) {
    this.data = data;
    this.at = at;
  }

  byte() {
    if (this.at >= this.data.length) refuse("invalid-format", "cut short");
    return this.data[this.at++];
  }

  take(length) {
    if (this.at + length > this.data.length) refuse("invalid-format", "cut short");
    this.at += length;
    return this.data.slice(this.at - length, this.at);
  }

  varint() {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const next = BigInt(this.byte());
      value |= (next & 127n) << shift;
      if (next < 128n) return Number(value);
    }
  }

  value(type) {
    if (type === 1 || type === 2) return type === 1;
    if (type === I32 || type === I64) return this.varint() / 2;
    if (type === BINARY) return Buffer.from(this.take(this.varint())).toString("utf8");
    if (type === STRUCT) return this.struct();
    if (type !== LIST) refuse("invalid-format", `type ${type}`);
    const head = this.byte();
    const length = head >> 4 === 15 ? this.varint() : head >> 4;
    return Array.from({ length }, () => this.value(head & 15));
  }

  struct() {
    const found = {};
    for (let id = 0, head = this.byte(); head !== 0; head = this.byte()) {
      id = head >> 4 ? id + (head >> 4) : this.varint() / 2;
      found[id] = this.value(head & 15);
    }
    return found;
  }
}

// -- columns

const little = (value) => Uint8Array.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >> 24);
const fromLittle = (data) => data[0] + 256 * data[1] + 65536 * data[2] + 16777216 * data[3];

/** A Parquet file; columns are {name, type, logical, optional, values}, texts or numbers, rows cut at `groups`. */
export function parquet(columns, groups = [columns[0].values.length]) {
  const parts = [MAGIC];
  let at = 4;
  const written = groups.map((end, i) => {
    const start = i ? groups[i - 1] : 0;
    const chunks = columns.map((column) => {
      const page = pageOf(column, column.values.slice(start, end));
      parts.push(page);
      at += page.length;
      return chunkOf(column, end - start, at - page.length, page.length);
    });
    return [[1, LIST, [STRUCT, chunks]], [2, I64, at], [3, I64, end - start]];
  });
  const root = [[4, BINARY, "schema"], [5, I32, columns.length]];
  const schema = columns.map(({ name, type = BYTE_ARRAY, logical, optional }) => [
    [1, I32, type], [3, I32, optional ? 1 : 0], [4, BINARY, name], ...(logical ? [[10, STRUCT, [[logical, STRUCT, []]]]] : []),
  ]);
  const footer = coded[STRUCT]([
    [1, I32, 2], [2, LIST, [STRUCT, [root, ...schema]]], [3, I64, columns[0].values.length], [4, LIST, [STRUCT, written]],
  ]);
  return concat(...parts, footer, little(footer.length), MAGIC);
}

function chunkOf({ name, type = BYTE_ARRAY }, count, offset, size) {
  const meta = [
    [1, I32, type], [2, LIST, [I32, [0, 3]]], [3, LIST, [BINARY, [name]]], [4, I32, 0], [5, I64, count], [6, I64, size], [7, I64, size],
    [9, I64, offset],
  ];
  return [[2, I64, offset], [3, STRUCT, meta]];
}

function pageOf({ type = BYTE_ARRAY, optional }, values) {
  const runs = concat(...values.map((value) => Uint8Array.of(2, value === null ? 0 : 1)));
  const levels = optional ? concat(little(runs.length), runs) : new Uint8Array(0);
  const plain = values.filter((value) => value !== null).map((value) =>
    type === BYTE_ARRAY ? concat(little(utf8(value).length), utf8(value)) : concat(little(value), new Uint8Array(4)));
  const body = concat(levels, ...plain);
  const data = [[1, I32, values.length], [2, I32, 0], [3, I32, 3], [4, I32, 3]];
  return concat(coded[STRUCT]([[1, I32, 0], [2, I32, body.length], [3, I32, body.length], [5, STRUCT, data]]), body);
}

function texts(data) {
  if (data.length < 12 || !same(data.slice(-4), MAGIC)) refuse("invalid-format", "cut short");
  const size = fromLittle(data.slice(-8, -4));
  if (size > data.length - 12) refuse("invalid-format", "cut short");
  const { 2: [, ...schema], 4: groups } = new Reader(data, data.length - 8 - size).struct();
  const places = schema.flatMap((each, place) => (each[4] === "consent" ? [place] : []));
  if (places.length !== 1) refuse("invalid-format", "not one column consent");
  const { 1: type, 3: repetition, 10: logical } = schema[places[0]];
  const kind = logical && Number(Object.keys(logical)[0]);
  if (type !== BYTE_ARRAY || repetition === 2 || !TEXTS.includes(kind)) refuse("invalid-format", "no column of texts");
  return groups.flatMap(({ 1: columns }) => textsOf(data, columns[places[0]][3], repetition === 1));
}

function textsOf(data, { 5: count, 9: offset }, optional) {
  const reader = new Reader(data, offset);
  reader.struct();
  const levels = optional ? runsOf(reader) : [];
  if (levels.includes(0)) refuse("invalid-format", "a null");
  return Array.from({ length: count }, () => Buffer.from(reader.take(fromLittle(reader.take(4)))).toString("utf8"));
}

function runsOf(reader) {
  const end = fromLittle(reader.take(4)) + reader.at;
  const found = [];
  while (reader.at < end) {
    const count = reader.varint() >> 1;
    found.push(...new Array(count).fill(reader.byte()));
  }
  return found;
}

export const kinds = { BYTE_ARRAY, INT64, STRING: 1, ENUM: 4, JSON: 12 };
