import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/** Trino's JDBC driver (its protocol client is also the trino CLI's) against a local account. */
public class JdbcTest {
    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", args[1]);
        try (Connection connection = DriverManager.getConnection("jdbc:trino://" + args[0] + "/td-presto/" + args[2], properties)) {
            values(connection);
            prepared(connection);
            writes(connection);
            pages(connection);
            errors(connection);
        }
        System.exit(0);
    }

    private static void values(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(
                "select 1, cast(2 as bigint), 1.5e0, nan(), 'é', true, cast('1.50' as decimal(10,2)), date '2026-11-01', "
                + "timestamp '2026-11-01 09:30:00.250', array[1,2], map(array['k'], array[1]), cast(null as varchar), from_unixtime(0)")) {
            check(rows.next(), "a row");
            check(rows.getInt(1) == 1 && rows.getLong(2) == 2L && rows.getDouble(3) == 1.5, "numbers");
            check(Double.isNaN(rows.getDouble(4)), "NaN");
            check(rows.getString(5).equals("é") && rows.getBoolean(6), "text");
            check(rows.getBigDecimal(7).equals(new BigDecimal("1.50")), "decimal");
            check(rows.getDate(8).toString().equals("2026-11-01"), "date");
            check(rows.getTimestamp(9).toString().equals("2026-11-01 09:30:00.25"), "timestamp " + rows.getTimestamp(9));
            Array array = rows.getArray(10);
            check(Arrays.equals((Object[]) array.getArray(), new Object[] {1, 2}), "array");
            check(rows.getObject(11).toString().equals("{k=1}"), "map " + rows.getObject(11));
            check(rows.getString(12) == null, "null");
            check(rows.getTimestamp(13).getTime() == 0, "instant");
            check(!rows.next(), "one row");
        }
        passed("values");
    }

    private static void prepared(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select n from (values 1, 2, 3) t (n) where n > ? and 'a?' = ?")) {
            statement.setInt(1, 1);
            statement.setString(2, "a?");
            check(numbers(statement.executeQuery()).equals(Arrays.asList(2L, 3L)), "prepared");
            statement.setInt(1, 2);
            check(numbers(statement.executeQuery()).equals(Arrays.asList(3L)), "prepared again");
        }
        passed("prepared");
    }

    private static void writes(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("drop table if exists jdbc_made");
            statement.execute("create table jdbc_made (n bigint)");
            check(statement.executeUpdate("insert into jdbc_made (n) values 1, 2, 3") == 3, "update count");
            statement.execute("set session query_max_run_time = '1h'");
            check(numbers(statement.executeQuery("select n from jdbc_made order by 1")).size() == 3, "rows");
        }
        passed("writes");
    }

    private static void pages(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(
                "select x * 1000 + y from unnest(sequence(0, 49)) a (x) cross join unnest(sequence(1, 1000)) b (y) order by 1")) {
            List<Long> found = numbers(rows);
            check(found.size() == 50000 && found.get(0) == 1 && found.get(49999) == 50000, "pages");
        }
        passed("pages");
    }

    private static void errors(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeQuery("select * from nothing_there");
            check(false, "an unknown table");
        } catch (SQLException error) {
            check(error.getMessage().contains("does not exist") && error.getErrorCode() != 0, error.getMessage());
        }
        passed("errors");
    }

    private static List<Long> numbers(ResultSet rows) throws SQLException {
        List<Long> found = new ArrayList<>();
        while (rows.next()) {
            found.add(rows.getLong(1));
        }
        return found;
    }

    private static void check(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }

    private static void passed(String name) {
        System.out.println("passed " + name);
    }
}
