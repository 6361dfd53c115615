// Posts the contract's sample with openapi-fetch and the types made from /openapi.json.
// `node post_sample.js stored|unready URL KEY SAMPLE`; that it compiles is half of the test.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Refusal = { error: string };

const BULK = "/api/v1/integrations/fasttrack/bulk";
const [part, url, key, sample] = process.argv.slice(2) as [string, string, string, string];
const items: Schemas["Item"][] = JSON.parse(readFileSync(sample, "utf8"));

function client(key: string) {
  return createClient<paths>({ baseUrl: url, headers: { "x-api-key": key } });
}

// The types refuse what the contract refuses: tsc fails if one of these lines compiles.
// @ts-expect-error - no such event type
const unknownType: Schemas["Item"] = { event: "realtime-lottery", data: {} };
// @ts-expect-error - a login without a user
const noUser: Schemas["Login"] = { event: "realtime-login", data: { unique_id: "1" } };
// @ts-expect-error - no such reason
const noReason: Schemas["Reason"] = "bad_mood";
void [unknownType, noUser, noReason];

function advice(refusal: Schemas["BodyTooLargeError"] | Schemas["TooManyItemsError"]): number {
  // `error` tells the bodies of one status apart, to tsc, too.
  return refusal.error === "too_many_items" ? refusal.limit_items : refusal.limit_bytes;
}

async function stored(): Promise<void> {
  const { response, error } = await client(key).POST(BULK, { body: items });
  assert.equal(error, undefined);
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("x-railhead-rejected"), "0");

  items[0]!.data.user_id = "687";
  const options = { params: { query: { report: "1", dry_run: "1" } } } as const;
  const report = await client(key).POST(BULK, { body: items, ...options });
  const data: Schemas["Report"] | undefined = report.data;
  assert.deepEqual(data?.outcomes.map((one) => one.outcome), ["valid", "valid", "valid"]);

  const forbidden = await client("other").POST(BULK, { body: items });
  assert.equal(forbidden.error?.error satisfies Refusal["error"] | undefined, "forbidden");

  const many = new Array<Schemas["Item"]>(50_001).fill(items[0]!);
  const refusal = (await client(key).POST(BULK, { body: many })).error;
  assert.equal(refusal?.error, "too_many_items");
  assert.equal(advice(refusal as Schemas["TooManyItemsError"]), 50_000);

  const ready = await client(key).GET("/health/ready");
  assert.deepEqual(ready.data, { ready: true, reasons: [] });
}

async function unready(): Promise<void> {
  const { response, error } = await client(key).POST(BULK, { body: items });
  assert.equal(response.status, 503);
  assert.equal(error?.error, "not_ready");
  const ready = await client(key).GET("/health/ready");
  assert.equal(ready.response.status, 503);
}

await (part === "stored" ? stored() : unready());
