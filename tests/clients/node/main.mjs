// @clickhouse/client with its default settings: one line of JSON for each check.
// Arguments: the port and the user.

import { createClient } from "@clickhouse/client";

const [port, user] = process.argv.slice(2);
const AMOUNT = "1234567890123.000000000000000001";
const client = createClient({ url: `http://127.0.0.1:${port}`, username: user });

async function rows(query, more = {}) {
  const result = await client.query({ query, format: "JSONEachRow", ...more });
  return result.json();
}

function equal(actual, expected) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

async function refused(work, type) {
  try {
    await work();
  } catch (error) {
    equal(error.type, type);
    return;
  }
  throw new Error("it was not refused");
}

const checks = {
  async connect() {
    const answer = await client.ping();
    if (!answer.success) throw answer.error;
  },
  async "ping with a query"() {
    const answer = await client.ping({ select: true });
    if (!answer.success) throw answer.error;
  },
  async "every view"() {
    const views = await rows("SHOW TABLES FROM fasttrack");
    if (views.length < 17) throw new Error(`only ${views.length} views`);
    for (const { name } of views) {
      const found = await rows(`SELECT * FROM fasttrack.${name}`);
      if (!found.length) throw new Error(`no row of ${name}`);
    }
  },
  async "exact amounts"() {
    const query = "SELECT toString(amount) AS amount FROM fasttrack.casino LIMIT 1";
    equal(await rows(query), [{ amount: AMOUNT }]);
  },
  async "the formats of its guide"() {
    const query = "SELECT * FROM fasttrack.ggr_daily";
    for (const format of ["JSON", "JSONCompact", "JSONColumnsWithMetadata", "JSONObjectEachRow"]) {
      await (await client.query({ query, format })).json();
    }
    for (const format of ["CSVWithNames", "TabSeparatedWithNamesAndTypes", "CustomSeparated"]) {
      await (await client.query({ query, format })).text();
    }
    const parquet = await client.exec({ query: `${query} FORMAT Parquet` });
    for await (const _ of parquet.stream);
  },
  async parameters() {
    const query = "SELECT {s:String} AS s, {a:Array(UInt32)} AS a, {d:DateTime64(3, 'UTC')} AS d";
    const query_params = { s: "it's\n\t\\", a: [1, 2], d: new Date(1736942400123) };
    equal(await rows(query, { query_params }), [
      { s: "it's\n\t\\", a: [1, 2], d: "2025-01-15 12:00:00.123" },
    ]);
  },
  async "a large result as a stream"() {
    const query = "SELECT number FROM numbers(500000)";
    const result = await client.query({ query, format: "JSONEachRow" });
    let count = 0;
    for await (const part of result.stream()) count += part.length;
    equal(count, 500000);
  },
  async "progress in the result"() {
    const query = "SELECT number FROM numbers(1000)";
    const result = await client.query({ query, format: "JSONEachRowWithProgress" });
    let count = 0;
    for await (const part of result.stream()) {
      for (const row of part) count += "row" in row.json() ? 1 : 0;
    }
    equal(count, 1000);
  },
  async "an error in the middle of a result"() {
    const query = "SELECT throwIf(number = 900000) FROM numbers(1000000)";
    const settings = { max_block_size: "1000", wait_end_of_query: 0 };
    const work = async () => {
      const result = await client.query({ query, format: "JSONEachRow", clickhouse_settings: settings });
      for await (const _ of result.stream());
    };
    await refused(work, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO");
  },
  async "an error has its name"() {
    await refused(() => rows("SELECT * FROM fasttrack.nothing"), "UNKNOWN_TABLE");
  },
  async "a statement can be cancelled"() {
    const query_id = `node-${user}-${Date.now()}`;
    const abort = new AbortController();
    const query = "SELECT sum(sipHash64(number)) FROM numbers(100000000000)";
    const running = rows(query, { query_id, abort_signal: abort.signal });
    const found = "SELECT count() AS n FROM system.processes WHERE query_id = {id:String}";
    const until = async (n) => {
      for (const end = Date.now() + 30000; Date.now() < end; ) {
        const [row] = await rows(found, { query_params: { id: query_id } });
        if (Number(row.n) === n) return;
      }
      throw new Error(`not ${n} running statements`);
    };
    const ended = running.then(() => "it ended", () => "");
    await until(1);
    abort.abort();
    equal(await ended, "");
    await client.command({ query: `KILL QUERY WHERE query_id = '${query_id}'` });
    await until(0);
  },
  async "a session"() {
    const one = createClient({
      url: `http://127.0.0.1:${port}`, username: user, session_id: `node-${user}`,
    });
    await one.command({ query: "SET join_use_nulls = 1" });
    const result = await one.query({ query: "SELECT getSetting('join_use_nulls') AS s" });
    equal((await result.json()).data, [{ s: true }]);
    await one.close();
  },
  async "compressed answers and requests"() {
    const one = createClient({
      url: `http://127.0.0.1:${port}`, username: user, compression: { response: true, request: true },
    });
    const result = await one.query({ query: "SELECT 7 AS n", format: "JSONEachRow" });
    equal(await result.json(), [{ n: 7 }]);
    await one.close();
  },
  async "an insert"() {
    const table = "default.node_client";
    const values = [{ id: 1, amount: "0.000000000000000001" }];
    const insert = () => client.insert({ table, values, format: "JSONEachRow" });
    if (user !== "default") return refused(insert, "ACCESS_DENIED");
    await client.command({
      query: `CREATE OR REPLACE TABLE ${table} (id UInt32, amount Decimal(38, 18)) ORDER BY id`,
    });
    await insert();
    equal(await rows(`SELECT id, toString(amount) AS amount FROM ${table}`), values);
    await client.command({ query: `DROP TABLE ${table} SYNC` });
  },
};

for (const [name, check] of Object.entries(checks)) {
  let detail = "";
  try {
    await check();
  } catch (error) {
    detail = String(error?.message ?? error) || error.constructor.name;
  }
  console.log(JSON.stringify({ name, ok: detail === "", detail }));
}
await client.close();
