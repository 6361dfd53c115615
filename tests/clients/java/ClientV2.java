import com.clickhouse.client.api.Client;
import com.clickhouse.client.api.data_formats.ClickHouseBinaryFormatReader;
import com.clickhouse.client.api.insert.InsertResponse;
import com.clickhouse.client.api.query.GenericRecord;
import com.clickhouse.client.api.query.QueryResponse;
import com.clickhouse.client.api.query.QuerySettings;
import com.clickhouse.data.ClickHouseFormat;
import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Java's client-v2 with its default settings. Arguments: the port and the user. */
public final class ClientV2 {
    private static final String AMOUNT = "1234567890123.000000000000000001";
    private static Client client;
    private static String user;

    private ClientV2() {
    }

    public static void main(String[] arguments) {
        user = arguments[1];
        client = new Client.Builder()
                .addEndpoint("http://127.0.0.1:" + arguments[0])
                .setUsername(user)
                .setPassword("")
                .setDefaultDatabase("fasttrack")
                .build();
        Checks.report("connect", () -> Checks.equal(client.ping(), true));
        Checks.report("every view", ClientV2::everyView);
        Checks.report("exact amounts", () -> Checks.equal(
                one("SELECT amount AS x FROM casino LIMIT 1").getBigDecimal("x").toPlainString(), AMOUNT));
        Checks.report("the columns of a view", () -> {
            if (client.getTableSchema("ggr_daily", "fasttrack").getColumns().size() < 5) {
                throw new IllegalStateException("too few columns");
            }
        });
        Checks.report("the columns of a query", () -> Checks.equal(
                client.getTableSchemaFromQuery("SELECT 1 AS a").getColumns().size(), 1));
        Checks.report("times of a zone", () -> Checks.equal(
                one("SELECT toDateTime('2025-07-01 12:00:00', 'Europe/Malta') AS x")
                        .getZonedDateTime("x").toOffsetDateTime(), "2025-07-01T12:00+02:00"));
        Checks.report("parameters", ClientV2::parameters);
        Checks.report("the formats of its guide", ClientV2::formats);
        Checks.report("a large result", ClientV2::large);
        Checks.report("an error has its code", () -> Checks.refused(60,
                () -> client.queryAll("SELECT * FROM fasttrack.nothing")));
        Checks.report("an insert", ClientV2::insert);
        client.close();
    }

    private static GenericRecord one(String sql) {
        return client.queryAll(sql).get(0);
    }

    private static void everyView() {
        List<GenericRecord> views = client.queryAll("SHOW TABLES FROM fasttrack");
        Checks.equal(views.size() >= 17, true);
        for (GenericRecord view : views) {
            String name = view.getString(1);
            try {
                List<GenericRecord> rows = client.queryAll("SELECT * FROM fasttrack." + name);
                if (rows.isEmpty()) {
                    throw new IllegalStateException("no rows");
                }
            } catch (RuntimeException error) {
                Throwable cause = error.getCause() == null ? error : error.getCause();
                throw new IllegalStateException(name + ": " + cause);
            }
        }
    }

    private static void parameters() throws Exception {
        Map<String, Object> given = Map.of("s", "it's", "n", 7);
        try (QueryResponse answer = client.query("SELECT {s:String} AS s, {n:UInt32} AS n", given)
                .get(30, TimeUnit.SECONDS)) {
            ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(answer);
            reader.next();
            Checks.equal(reader.getString("s") + reader.getInteger("n"), "it's7");
        }
    }

    private static void formats() throws Exception {
        for (ClickHouseFormat format : List.of(
                ClickHouseFormat.JSONEachRow, ClickHouseFormat.CSVWithNames, ClickHouseFormat.Parquet,
                ClickHouseFormat.Native, ClickHouseFormat.RowBinaryWithNamesAndTypes)) {
            QuerySettings settings = new QuerySettings().setFormat(format);
            try (QueryResponse answer = client.query("SELECT * FROM ggr_daily", settings)
                    .get(30, TimeUnit.SECONDS)) {
                if (answer.getInputStream().readAllBytes().length == 0) {
                    throw new IllegalStateException(format + " is empty");
                }
            }
        }
    }

    private static void large() throws Exception {
        long count = 0;
        try (QueryResponse answer = client.query("SELECT number, toString(number) FROM numbers(500000)")
                .get(60, TimeUnit.SECONDS)) {
            ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(answer);
            while (reader.hasNext()) {
                reader.next();
                count++;
            }
        }
        Checks.equal(count, 500000);
    }

    private static void insert() throws Exception {
        if (!user.equals("default")) {
            Checks.refused(497, ClientV2::send);
            return;
        }
        client.execute("CREATE OR REPLACE TABLE default.java_client (id UInt32, amount Decimal(76, 18)) ORDER BY id")
                .get(30, TimeUnit.SECONDS).close();
        send();
        BigDecimal found = one("SELECT amount AS x FROM default.java_client").getBigDecimal("x");
        client.execute("DROP TABLE default.java_client SYNC").get(30, TimeUnit.SECONDS).close();
        Checks.equal(found.toPlainString(), AMOUNT);
    }

    private static void send() throws Exception {
        byte[] row = ("{\"id\": 1, \"amount\": \"" + AMOUNT + "\"}\n").getBytes(StandardCharsets.UTF_8);
        try (InsertResponse answer = client.insert("default.java_client", new ByteArrayInputStream(row),
                ClickHouseFormat.JSONEachRow).get(30, TimeUnit.SECONDS)) {
            Checks.equal(answer.getWrittenRows(), 1);
        }
    }
}
