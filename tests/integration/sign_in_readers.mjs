// viem's reader of sign-in messages, and siwe's (@spruceid/siwe-parser) where SIWE names the folder of its packages.
//
//     node sign_in_readers.mjs MODULES < JSON      {"messages": [text, ...], "fields": [{...}, ...]}
//
// Prints {"viem": [what it reads of each message, or null], "siwe": the same or null, "written": [viem's own text]}.
import { createRequire } from "node:module";
import path from "node:path";
import { json } from "node:stream/consumers";

const find = createRequire(path.join(process.argv[2], "anywhere.js"));
const { createSiweMessage, parseSiweMessage } = find("viem/siwe");
const siwe = process.env.SIWE && createRequire(path.join(process.env.SIWE, "anywhere.js"))("@spruceid/siwe-parser");

const seconds = (time) => (time === undefined ? undefined : Math.floor(new Date(time).getTime() / 1000));
const shown = ({ scheme, domain, address, statement, uri, version, chainId, nonce, issuedAt, expirationTime, notBefore, requestId, resources }) => ({
  scheme, domain, address, statement, uri, version, chainId, nonce, issuedAt: seconds(issuedAt),
  expirationTime: seconds(expirationTime), notBefore: seconds(notBefore), requestId, resources,
});
const outcome = (read) => (text) => {
  try {
    return shown(read(text));
  } catch {
    return null;
  }
};

const { messages, fields } = await json(process.stdin);
const dated = ({ issuedAt, expirationTime, notBefore, ...rest }) => ({
  ...rest,
  issuedAt: new Date(issuedAt),
  ...(expirationTime ? { expirationTime: new Date(expirationTime) } : {}),
  ...(notBefore ? { notBefore: new Date(notBefore) } : {}),
});
console.log(JSON.stringify({
  viem: messages.map(outcome(parseSiweMessage)),
  siwe: siwe ? messages.map(outcome((text) => new siwe.ParsedMessage(text))) : null,
  written: fields.map((each) => createSiweMessage(dated(each))),
}));
