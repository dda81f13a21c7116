import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.base.Optional;
import com.treasuredata.client.TDClient;
import com.treasuredata.client.TDClientHttpConflictException;
import com.treasuredata.client.TDClientHttpNotFoundException;
import com.treasuredata.client.TDClientHttpUnauthorizedException;
import com.treasuredata.client.model.TDApiKey;
import com.treasuredata.client.model.TDBulkImportSession;
import com.treasuredata.client.model.TDColumn;
import com.treasuredata.client.model.TDColumnType;
import com.treasuredata.client.model.TDExportFileFormatType;
import com.treasuredata.client.model.TDExportJobRequest;
import com.treasuredata.client.model.TDExportResultJobRequest;
import com.treasuredata.client.model.TDImportResult;
import com.treasuredata.client.model.TDJob;
import com.treasuredata.client.model.TDJobRequest;
import com.treasuredata.client.model.TDJobRequestBuilder;
import com.treasuredata.client.model.TDJobSummary;
import com.treasuredata.client.model.TDPartialDeleteJob;
import com.treasuredata.client.model.TDResultFormat;
import com.treasuredata.client.model.TDSavedQuery;
import com.treasuredata.client.model.TDSavedQueryStartRequest;
import com.treasuredata.client.model.TDTable;
import com.treasuredata.client.model.TDUser;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** What Digdag's td operators do with td-client-java, against a local account. Prints "passed NAME" a step. */
public class JavaClientTest {
    private static final String DATABASE = "java_shop";
    private static TDClient client;

    public static void main(String[] args) throws Exception {
        String[] address = args[0].split(":");
        client = newClient(address, args[1]);
        keys(address);
        databases();
        tables();
        jobs();
        domainKeys();
        imports();
        bulkImports();
        savedQueries();
        partialDelete();
        loadsAndExports(new File(args[3]));
        client.deleteDatabase(DATABASE);
        client.close();
        JdbcTest.main(args);
    }

    private static TDClient newClient(String[] address, String key) {
        return TDClient.newBuilder(false).setEndpoint(address[0]).setPort(Integer.parseInt(address[1]))
            .setUseSSL(false).setApiKey(key).setRetryLimit(0).build();
    }

    private static void keys(String[] address) {
        check(client.serverStatus().contains("ok"), "status");
        TDApiKey key = client.validateApiKey();
        TDUser user = client.getUser();
        check(user.getId().equals(String.valueOf(key.getUserId())) && key.isAdministrator() && user.isAccountOwner(), "user");
        check(client.listUsers().getUsers().size() >= 1, "users");
        TDClient stranger = newClient(address, "1/wrong");
        try {
            stranger.listDatabaseNames();
            check(false, "a wrong key");
        } catch (TDClientHttpUnauthorizedException expected) {
            passed("keys");
        }
    }

    private static void databases() {
        client.createDatabaseIfNotExists(DATABASE);
        client.createDatabaseIfNotExists(DATABASE);
        try {
            client.createDatabase(DATABASE);
            check(false, "a second database of the name");
        } catch (TDClientHttpConflictException expected) {
            check(expected.getMessage().contains("already exists"), expected.getMessage());
        }
        check(client.existsDatabase(DATABASE) && !client.existsDatabase("java_nothing"), "existsDatabase");
        check(client.listDatabases().stream().anyMatch(one -> one.getName().equals(DATABASE)), "listDatabases");
        client.deleteDatabaseIfExists("java_nothing");
        passed("databases");
    }

    private static void tables() {
        client.createTable(DATABASE, "orders");
        client.createTableIfNotExists(DATABASE, "orders");
        List<TDColumn> columns = Arrays.asList(
            new TDColumn("sku", TDColumnType.STRING), new TDColumn("price", TDColumnType.DOUBLE),
            new TDColumn("tags", TDColumnType.newArrayType(TDColumnType.STRING)));
        client.updateTableSchema(DATABASE, "orders", columns);
        client.appendTableSchema(DATABASE, "orders", Arrays.asList(new TDColumn("pieces", TDColumnType.LONG)));
        TDTable table = client.showTable(DATABASE, "orders");
        check(table.getSchema().size() == 4, "schema " + table.getSchema());
        check(table.getSchema().get(2).getType().equals(TDColumnType.newArrayType(TDColumnType.STRING)), "array");
        check(table.getRowCount() == 0, "rows");
        client.createTable(DATABASE, "orders_next");
        client.swapTables(DATABASE, "orders", "orders_next");
        check(client.showTable(DATABASE, "orders").getSchema().isEmpty(), "swap");
        client.renameTable(DATABASE, "orders_next", "orders", true);
        check(client.listTables(DATABASE).size() == 1, "rename over");
        check(client.showTable(DATABASE, "orders").getSchema().size() == 4, "rename kept the columns");
        check(!client.existsTable(DATABASE, "nothing"), "existsTable");
        check(!client.tableDistribution(DATABASE, "orders").isPresent(), "distribution");
        try {
            client.deleteTable(DATABASE, "nothing");
            check(false, "deleting what is not there");
        } catch (TDClientHttpNotFoundException expected) {
            client.deleteTableIfExists(DATABASE, "nothing");
        }
        passed("tables");
    }

    private static void jobs() throws Exception {
        String create = "DROP TABLE IF EXISTS \"made\";\nCREATE TABLE \"made\" AS\nselect 1 as a, 'x' as b";
        check(finished(submit(create)).getStatus() == TDJob.Status.SUCCESS, "create_table");
        check(finished(submit("INSERT INTO \"made\"\nselect 2, 'y', 5")).getStatus() == TDJob.Status.SUCCESS, "insert");
        String job = submit("select a, b from made order by a");
        TDJobSummary summary = finished(job);
        TDJob info = client.jobInfo(job);
        check(info.getNumRecords() == 2 && info.getDatabase().equals(DATABASE), "jobInfo " + info);
        check(info.getResultSchema().get().startsWith("[[\"a\",\"bigint\"],[\"b\",\"varchar"), info.getResultSchema().get());
        check(summary.getStatus() == TDJob.Status.SUCCESS, "status");
        String json = text(job, TDResultFormat.JSON);
        check(json.equals("[1,\"x\"]\n[2,\"y\"]\n"), json);
        int[] sizes = new int[1];
        byte[] rows = client.jobResult(job, TDResultFormat.MESSAGE_PACK_GZ, in -> gunzip(in, sizes));
        check(rows.length == 8 && rows[0] == (byte) 0x92, "msgpack.gz of " + rows.length);
        String bad = submit("select nothing from made");
        check(finished(bad).getStatus() == TDJob.Status.ERROR, "a bad query");
        check(client.jobInfo(bad).getStdErr().contains("nothing"), client.jobInfo(bad).getStdErr());
        check(client.listJobs(0, 1).getJobs().size() == 2, "listJobs");
        client.killJob(bad);
        TDJobRequest hive = TDJobRequest.newHiveQuery(DATABASE, "select a from `made` order by a");
        check(finished(client.submit(hive)).getStatus() == TDJob.Status.SUCCESS, "hive");
        passed("jobs");
    }

    private static void domainKeys() throws Exception {
        TDJobRequest request = new TDJobRequestBuilder().setDatabase(DATABASE).setType(TDJob.Type.PRESTO)
            .setQuery("select td_scheduled_time()").setDomainKey("java-key").setScheduledTime(1793491200L)
            .setPriority(1).setRetryLimit(0).setPoolName("default").createTDJobRequest();
        String job = client.submit(request);
        try {
            client.submit(request);
            check(false, "the same domain key twice");
        } catch (TDClientHttpConflictException expected) {
            check(expected.getConflictsWith().get().equals(job), "conflicts_with");
        }
        check(client.jobStatusByDomainKey("java-key").getJobId().equals(job), "by key");
        finished(job);
        check(text(job, TDResultFormat.CSV).trim().equals("1793491200"), "scheduled time");
        passed("domain keys");
    }

    private static void imports() throws Exception {
        client.createTable(DATABASE, "events");
        File file = records(3);
        for (int i = 0; i < 2; i++) {
            TDImportResult result = client.importFile(DATABASE, "events", file, "java-unique");
            check(result.getDatabaseName().equals(DATABASE), "import result");
        }
        client.importBytes(DATABASE, "events", Files.readAllBytes(file.toPath()));
        String job = submit("select count(*), sum(n) from events");
        finished(job);
        check(text(job, TDResultFormat.TSV).equals("6\t6\n"), text(job, TDResultFormat.TSV));
        passed("imports");
    }

    private static void bulkImports() throws Exception {
        String name = "java_session";
        client.createBulkImportSession(name, DATABASE, "events");
        client.uploadBulkImportPart(name, "part1", records(4));
        client.uploadBulkImportPart(name, "part2", records(1));
        client.deleteBulkImportPart(name, "part2");
        check(client.listBulkImportParts(name).equals(Arrays.asList("part1")), "parts");
        client.freezeBulkImportSession(name);
        client.performBulkImportSession(name);
        TDBulkImportSession session = client.getBulkImportSession(name);
        finished(session.getJobId());
        session = client.getBulkImportSession(name);
        check(session.getValidRecords() == 4 && session.getErrorRecords() == 0, "counts");
        client.commitBulkImportSession(name);
        check(client.getBulkImportSession(name).getStatus() == TDBulkImportSession.ImportStatus.COMMITTED, "committed");
        check(client.listBulkImportSessions().size() >= 1, "sessions");
        client.deleteBulkImportSession(name);
        passed("bulk imports");
    }

    private static void savedQueries() throws Exception {
        TDSavedQuery saved = client.saveQuery(TDSavedQuery.newBuilder("java_daily", TDJob.Type.PRESTO, DATABASE,
            "select td_scheduled_time()", "Asia/Tokyo").setCron("0 * * * *").build());
        check(saved.getName().equals("java_daily"), "saved");
        client.updateSavedQuery("java_daily", TDSavedQuery.newUpdateRequestBuilder().setDelay(60).build());
        TDSavedQuery listed = client.listSavedQueries().stream()
            .filter(one -> one.getName().equals("java_daily")).findFirst().get();
        check(listed.getDelay() == 60, "delay");
        Date time = new Date(1793491200000L);
        String byName = client.startSavedQuery("java_daily", time);
        String byNumber = client.startSavedQuery(Long.parseLong(listed.getId()), time);
        String once = client.startSavedQuery(TDSavedQueryStartRequest.builder().name("java_daily")
            .scheduledTime(time).domainKey("java-saved").build());
        for (String job : Arrays.asList(byName, byNumber, once)) {
            check(finished(job).getStatus() == TDJob.Status.SUCCESS, "run");
            check(text(job, TDResultFormat.CSV).trim().equals("1793491200"), "time");
        }
        check(client.getSavedQueryHistory("java_daily").getHistory().size() == 3, "history");
        client.deleteSavedQuery("java_daily");
        passed("saved queries");
    }

    private static void partialDelete() throws Exception {
        TDPartialDeleteJob job = client.partialDelete(DATABASE, "events", 0, 3600, "java-delete");
        check(finished(job.getJobId()).getStatus() == TDJob.Status.SUCCESS, "partial delete");
        String count = submit("select count(*) from events");
        finished(count);
        check(text(count, TDResultFormat.CSV).trim().equals("0"), "rows left");
        passed("partial delete");
    }

    /** What td_load>, td_table_export> and td_result_export> do; *bucket* is the folder of the bucket java-lake. */
    private static void loadsAndExports(File bucket) throws Exception {
        check(bucket.mkdirs(), "bucket");
        Files.write(bucket.toPath().resolve("in.csv"), "1\n2\n".getBytes(StandardCharsets.UTF_8));
        ObjectNode config = (ObjectNode) new ObjectMapper().readTree("{\"in\": {\"type\": \"s3\", "
            + "\"bucket\": \"java-lake\", \"path_prefix\": \"in\", \"parser\": {\"type\": \"csv\", "
            + "\"columns\": [{\"name\": \"time\", \"type\": \"long\"}]}}, \"out\": {\"mode\": \"append\"}}");
        client.createTable(DATABASE, "loaded");
        String load = client.submit(TDJobRequest.newBulkLoad(DATABASE, "loaded", config));
        check(finished(load).getStatus() == TDJob.Status.SUCCESS, client.jobInfo(load).getStdErr());
        check(client.jobInfo(load).getType() == TDJob.Type.BULKLOAD, "type");
        String export = client.submitExportJob(TDExportJobRequest.builder().database(DATABASE).table("loaded")
            .from(new Date(0)).to(new Date(2000)).fileFormat(TDExportFileFormatType.JSONL_GZ).accessKeyId("a")
            .secretAccessKey("b").bucketName("java-lake").filePrefix("out/loaded").build());
        check(finished(export).getStatus() == TDJob.Status.SUCCESS, client.jobInfo(export).getStdErr());
        check(client.jobInfo(export).getNumRecords() == 1 && new File(bucket, "out").list().length == 1, "export");
        String query = submit("select time from loaded order by time");
        finished(query);
        String result = client.submitResultExportJob(TDExportResultJobRequest.builder().jobId(query)
            .resultOutput("s3://a:b@/java-lake/result.csv").build());
        check(finished(result).getStatus() == TDJob.Status.SUCCESS, client.jobInfo(result).getStdErr());
        check(new File(bucket, "result.csv").length() == 12, "result");
        passed("loads and exports");
    }

    private static String submit(String query) {
        return client.submit(TDJobRequest.newPrestoQuery(DATABASE, query));
    }

    private static TDJobSummary finished(String job) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            TDJobSummary summary = client.jobStatus(job);
            if (summary.getStatus().isFinished()) {
                return summary;
            }
            Thread.sleep(50);
        }
        throw new AssertionError("job " + job + " does not end");
    }

    private static String text(String job, TDResultFormat format) {
        return client.jobResult(job, format, in -> new String(readAll(in), StandardCharsets.UTF_8));
    }

    private static byte[] gunzip(InputStream in, int[] sizes) {
        try {
            return readAll(new GZIPInputStream(in));
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
    }

    private static byte[] readAll(InputStream in) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        try {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                out.write(buffer, 0, n);
            }
        } catch (IOException error) {
            throw new RuntimeException(error);
        }
        return out.toByteArray();
    }

    /** A msgpack.gz file of maps {"time": n, "n": n}. */
    private static File records(int count) throws IOException {
        File file = File.createTempFile("records", ".msgpack.gz");
        file.deleteOnExit();
        try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file.toPath()))) {
            for (int n = 0; n < count; n++) {
                out.write(new byte[] {(byte) 0x82, (byte) 0xa4, 't', 'i', 'm', 'e', (byte) n, (byte) 0xa1, 'n', (byte) n});
            }
        }
        return file;
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
