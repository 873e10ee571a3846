// Makes probe.json of Probe.sol: `node compile.js` with npm's solc (contracts/node_modules) on the path of modules.
// For people; the tests read probe.json.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const input = {
  language: "Solidity",
  sources: { "Probe.sol": { content: fs.readFileSync(path.join(__dirname, "Probe.sol"), "utf8") } },
  settings: {
    evmVersion: "paris",
    optimizer: { enabled: true, runs: 200 },
    metadata: { appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const failed = (output.errors || []).filter((error) => error.severity === "error");
if (failed.length) throw new Error(failed.map((error) => error.formattedMessage).join("\n"));
const probe = output.contracts["Probe.sol"].Probe;
const made = { compiler: solc.version(), abi: probe.abi, bytecode: "0x" + probe.evm.bytecode.object };
fs.writeFileSync(path.join(__dirname, "probe.json"), JSON.stringify(made, null, 1) + "\n");
