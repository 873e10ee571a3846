import { ponder } from "ponder:registry";
import { usageReports } from "ponder:schema";

ponder.on("Usage:UsageReported", async ({ event, context }) => {
  await context.db.insert(usageReports).values({
    saleId: event.args.saleId,
    fromTime: event.args.from,
    toTime: event.args.to,
    provider: event.args.provider,
    gateway: event.args.gateway,
    count: event.args.count,
    used: event.args.used,
    receiptsRoot: event.args.receiptsRoot,
    reportedBlock: event.block.number,
    reportedTx: event.transaction.hash,
    blockHash: event.block.hash,
    logIndex: event.log.logIndex,
  });
});
