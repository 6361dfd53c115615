import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;

/** ClickHouse's JDBC driver with its default settings, and the metadata that DBeaver reads. */
public final class Jdbc {
    private static final String AMOUNT = "1234567890123.000000000000000001";
    private static Connection connection;
    private static String user;

    private Jdbc() {
    }

    public static void main(String[] arguments) throws SQLException {
        user = arguments[1];
        String address = "jdbc:clickhouse://127.0.0.1:" + arguments[0] + "/fasttrack";
        connection = DriverManager.getConnection(address, user, "");
        Checks.report("connect", () -> Checks.equal(connection.isValid(10), true));
        Checks.report("every view", Jdbc::everyView);
        Checks.report("exact amounts", () -> Checks.equal(
                text("SELECT amount FROM casino LIMIT 1"), AMOUNT));
        Checks.report("a prepared statement", Jdbc::prepared);
        Checks.report("times of a zone", Jdbc::zone);
        Checks.report("a large result", Jdbc::large);
        Checks.report("a row limit and a time limit", Jdbc::limits);
        Checks.report("an error has its code", Jdbc::code);
        Checks.report("a statement is cancelled", Jdbc::cancelled);
        Checks.report("an insert as a batch", Jdbc::insert);
        metadata(connection.getMetaData());
        connection.close();
    }

    /** What DBeaver asks of a driver when it connects, opens a schema, a view and its properties. */
    private static void metadata(DatabaseMetaData meta) {
        Checks.report("DBeaver: product and version", () -> {
            Checks.equal(meta.getDatabaseProductName(), "ClickHouse");
            Checks.equal(meta.getDatabaseProductVersion().isEmpty(), false);
        });
        Checks.report("DBeaver: user", () -> Checks.equal(meta.getUserName(), user));
        Checks.report("DBeaver: keywords and functions of the driver", () -> {
            meta.getSQLKeywords();
            meta.getNumericFunctions();
            meta.getStringFunctions();
            meta.getSystemFunctions();
            meta.getTimeDateFunctions();
        });
        Checks.report("DBeaver: catalogs", () -> count(meta.getCatalogs()));
        Checks.report("DBeaver: schemas", () -> has(names(meta.getSchemas(), "TABLE_SCHEM"), "fasttrack"));
        Checks.report("DBeaver: kinds of tables", () -> has(names(meta.getTableTypes(), "TABLE_TYPE"), "VIEW"));
        Checks.report("DBeaver: kinds of data", () -> Checks.equal(count(meta.getTypeInfo()) > 20, true));
        Checks.report("DBeaver: views of a schema", () -> has(
                names(meta.getTables(null, "fasttrack", "%", null), "TABLE_NAME"), "ggr_daily"));
        Checks.report("DBeaver: views by their kind", () -> has(
                names(meta.getTables(null, "fasttrack", "%", new String[] {"VIEW"}), "TABLE_NAME"), "ggr_daily"));
        Checks.report("DBeaver: columns of a view", () -> has(
                names(meta.getColumns(null, "fasttrack", "ggr_daily", "%"), "COLUMN_NAME"), "ggr"));
        Checks.report("DBeaver: columns of a schema", () -> Checks.equal(
                count(meta.getColumns(null, "fasttrack", "%", "%")) > 100, true));
        Checks.report("DBeaver: primary key, indexes, foreign keys", () -> {
            count(meta.getPrimaryKeys(null, "fasttrack", "ggr_daily"));
            count(meta.getIndexInfo(null, "fasttrack", "ggr_daily", false, true));
            count(meta.getImportedKeys(null, "fasttrack", "ggr_daily"));
            count(meta.getExportedKeys(null, "fasttrack", "ggr_daily"));
        });
        Checks.report("DBeaver: privileges", () -> count(meta.getTablePrivileges(null, "fasttrack", "%")));
        Checks.report("DBeaver: procedures", () -> {
            count(meta.getProcedures(null, "fasttrack", "%"));
            count(meta.getFunctions(null, "fasttrack", "%"));
        });
        Checks.report("DBeaver: the text of a view", () -> Checks.equal(
                text("SHOW CREATE TABLE fasttrack.ggr_daily").contains("ggr"), true));
        Checks.report("DBeaver: engines, users, processes", () -> {
            text("SELECT name FROM system.table_engines LIMIT 1");
            text("SELECT count() FROM system.processes");
        });
        Checks.report("DBeaver: the columns of a result", () -> {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT * FROM fasttrack.casino LIMIT 200")) {
                ResultSetMetaData columns = rows.getMetaData();
                for (int at = 1; at <= columns.getColumnCount(); at++) {
                    columns.getColumnTypeName(at);
                    columns.getPrecision(at);
                    columns.getScale(at);
                    columns.isNullable(at);
                    columns.getTableName(at);
                }
            }
        });
    }

    private static String text(String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            rows.next();
            return rows.getString(1);
        }
    }

    private static int count(ResultSet rows) throws SQLException {
        int found = 0;
        try (rows) {
            while (rows.next()) {
                found++;
            }
        }
        return found;
    }

    private static List<String> names(ResultSet rows, String column) throws SQLException {
        List<String> found = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                found.add(rows.getString(column));
            }
        }
        return found;
    }

    private static void has(List<String> names, String name) {
        if (!names.contains(name)) {
            throw new IllegalStateException(name + " is not among " + names);
        }
    }

    private static void everyView() throws SQLException {
        List<String> views = names(connection.createStatement().executeQuery("SHOW TABLES"), "name");
        Checks.equal(views.size() >= 17, true);
        for (String view : views) {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT * FROM fasttrack." + view)) {
                int columns = rows.getMetaData().getColumnCount();
                Checks.equal(rows.next(), true);
                for (int at = 1; at <= columns; at++) {
                    rows.getObject(at);
                    rows.getString(at);
                }
            } catch (SQLException | RuntimeException error) {
                throw new IllegalStateException(view + ": " + error.getMessage());
            }
        }
    }

    private static void prepared() throws SQLException {
        String sql = "SELECT count() FROM casino WHERE tenant = ? AND timestamp >= ? AND amount > ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, "acme");
            statement.setTimestamp(2, Timestamp.from(Instant.parse("2025-01-01T00:00:00Z")));
            statement.setBigDecimal(3, new java.math.BigDecimal("0.5"));
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                Checks.equal(rows.getLong(1), 240);
            }
        }
    }

    private static void zone() throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(
                "SELECT toDateTime('2025-07-01 12:00:00', 'Europe/Malta')")) {
            rows.next();
            Checks.equal(rows.getObject(1, ZonedDateTime.class).toInstant(), "2025-07-01T10:00:00Z");
        }
    }

    private static void large() throws SQLException {
        Checks.equal(count(connection.createStatement().executeQuery(
                "SELECT number, toString(number) FROM numbers(500000)")), 500000);
    }

    private static void limits() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setMaxRows(200);
            statement.setQueryTimeout(60);
            statement.setFetchSize(100);
            Checks.equal(count(statement.executeQuery("SELECT * FROM player_timeline")), 200);
        }
    }

    private static void code() {
        try {
            text("SELECT * FROM fasttrack.nothing");
        } catch (SQLException error) {
            Checks.equal(error.getErrorCode() == 60 || error.getMessage().contains("Code: 60"), true);
            return;
        }
        throw new IllegalStateException("it was not refused");
    }

    private static void cancelled() throws Exception {
        try (Statement statement = connection.createStatement()) {
            Thread other = new Thread(() -> {
                long end = System.currentTimeMillis() + 20_000;
                while (System.currentTimeMillis() < end) {
                    try {
                        Thread.sleep(200);
                        statement.cancel();
                    } catch (Exception error) {
                        continue;
                    }
                }
            });
            other.setDaemon(true);
            other.start();
            try {
                statement.executeQuery("SELECT sum(sipHash64(number)) FROM numbers(100000000000)");
            } catch (SQLException error) {
                String said = String.valueOf(error.getMessage());
                Checks.equal(said.contains("394") || said.contains("cancel"), true);
                return;
            }
        }
        throw new IllegalStateException("it was not cancelled");
    }

    private static void insert() throws Exception {
        String sql = "INSERT INTO default.java_jdbc (id, amount) VALUES (?, ?)";
        if (!user.equals("default")) {
            Checks.refused(497, () -> send(sql));
            return;
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute("CREATE OR REPLACE TABLE default.java_jdbc (id UInt32, amount Decimal(76, 18)) ORDER BY id");
            send(sql);
            String found = text("SELECT concat(toString(count()), ' ', toString(sum(amount))) FROM default.java_jdbc");
            statement.execute("DROP TABLE default.java_jdbc SYNC");
            Checks.equal(found, "2 " + new java.math.BigDecimal(AMOUNT).multiply(java.math.BigDecimal.valueOf(2)));
        }
    }

    private static void send(String sql) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int id = 1; id <= 2; id++) {
                statement.setInt(1, id);
                statement.setBigDecimal(2, new java.math.BigDecimal(AMOUNT));
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }
}
