// Makes probe.json of Probe.sol and tally.json of Tally.sol: `node compile.js` with npm's solc (contracts/node_modules)
// on the path of modules. For people; the tests read the JSON.
const fs = require("fs");
const path = require("path");
const solc = require("solc");

for (const name of ["Probe", "Tally"]) {
  const file = `${name}.sol`;
  const input = {
    language: "Solidity",
    sources: { [file]: { content: fs.readFileSync(path.join(__dirname, file), "utf8") } },
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
  const found = output.contracts[file][name];
  const made = { compiler: solc.version(), abi: found.abi, bytecode: "0x" + found.evm.bytecode.object };
  fs.writeFileSync(path.join(__dirname, `${name.toLowerCase()}.json`), JSON.stringify(made, null, 1) + "\n");
}
