// The columns of the mirror's table usage_reports under the same primary key, and the log's place.
import { onchainTable, primaryKey } from "ponder";

export const usageReports = onchainTable(
  "usage_reports",
  (t) => ({
    saleId: t.hex().notNull(),
    fromTime: t.bigint().notNull(),
    toTime: t.bigint().notNull(),
    provider: t.hex().notNull(),
    gateway: t.hex().notNull(),
    count: t.bigint().notNull(),
    used: t.bigint().notNull(),
    receiptsRoot: t.hex().notNull(),
    reportedBlock: t.bigint().notNull(),
    reportedTx: t.hex().notNull(),
    blockHash: t.hex().notNull(),
    logIndex: t.integer().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.saleId, table.fromTime] }) }),
);
