// What to index is said by tests/bench/ponder.py in BENCH: {rpc, abi, address, first, last, range}.
import { createConfig } from "ponder";

const bench = JSON.parse(process.env.BENCH!);

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL! },
  chains: { bench: { id: 31337, rpc: bench.rpc, ethGetLogsBlockRange: bench.range } },
  contracts: {
    Usage: { abi: bench.abi, chain: "bench", address: bench.address, startBlock: bench.first, endBlock: bench.last },
  },
});
