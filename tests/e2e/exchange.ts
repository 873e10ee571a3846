// What an exchange writes in TypeScript with types made from docs/openapi.json: compiled in the tests, never run.
// Lines that must not compile are marked; the compiler complains about a mark where nothing is wrong.
import type { components, operations, paths } from "./api";

type Operation = components["schemas"]["OperationAnswer"];
type Problem = components["schemas"]["Problem"];
type Sales = paths["/sales"]["get"]["parameters"]["query"];
type Withdrawal = paths["/withdrawals"]["post"];

const ofBuyer: Sales = { buyer: "0x1e00000000000000000000000000000000000001", limit: 10 };
// @ts-expect-error: a number is wanted
const wrongLimit: Sales = { limit: "ten" };
// @ts-expect-error: there is no such parameter
const unknown: Sales = { colour: "red" };

export function isOver(operation: Operation): boolean {
  // @ts-expect-error: no such state
  if (operation.state === "done") return false;
  return operation.state === "final" || operation.state === "failed";
}

export async function withdraw(url: string, signed: object, key: string): Promise<Operation> {
  const query: Withdrawal["parameters"]["query"] = { wait: "final", timeout: 30 };
  const header: Withdrawal["parameters"]["header"] = { "Idempotency-Key": key };
  const words = new URLSearchParams({ wait: query.wait ?? "", timeout: String(query.timeout) });
  const answer = await fetch(`${url}/withdrawals?${words}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(header as Record<string, string>) },
    body: JSON.stringify(signed),
  });
  if (!answer.ok) {
    const problem = (await answer.json()) as Problem;
    throw new Error(`${problem.code}: ${problem.detail}`);
  }
  return (await answer.json()) as Operation;
}

type Named<T> = T extends keyof operations ? T : never;
export const known: Named<"sales_sales_get"> = "sales_sales_get";
// @ts-expect-error: no such operation
export const none: Named<"nothing"> = "nothing";
export const queries = [ofBuyer, wrongLimit, unknown];
