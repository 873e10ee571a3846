// viem, ethers and MetaMask's own eth-sig-util hash typed data (eth_signTypedData_v4), and eth-sig-util signs it.
//
//     node typed_data.mjs MODULES < JSON      [{"typed": {...}, "privateKey": "0x.."}, ...]
//
// Prints one JSON array: {"viem", "ethers", "sigUtil": digests, "signature"} of each.
import { createRequire } from "node:module";
import path from "node:path";
import { json } from "node:stream/consumers";

const find = createRequire(path.join(process.argv[2], "anywhere.js"));
const { ethers } = find("ethers");
const viem = find("viem");
const { SignTypedDataVersion, TypedDataUtils, signTypedData } = find("@metamask/eth-sig-util");

function hashed({ typed, privateKey }) {
  const { EIP712Domain, ...types } = typed.types;
  return {
    viem: viem.hashTypedData(typed),
    ethers: ethers.TypedDataEncoder.hash(typed.domain, types, typed.message),
    sigUtil: viem.toHex(TypedDataUtils.eip712Hash(typed, SignTypedDataVersion.V4)),
    signature: signTypedData({ privateKey: Buffer.from(privateKey.slice(2), "hex"), data: typed, version: SignTypedDataVersion.V4 }),
  };
}

console.log(JSON.stringify((await json(process.stdin)).map(hashed)));
