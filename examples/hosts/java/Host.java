// A host in Java: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
//
//   javac -cp jna.jar -d classes Opnode.java Host.java
//   OPNODE_LIBRARY=FOLDER/libopnode.so OPNODE_CONNECTION='{"connector": ..., "values": {...}}' java -cp jna.jar:classes Host
//
// Opnode.java beside it is the binding; copy it into your project.
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class Host {
    private static final String QUERY = "{\"method\":\"query\",\"operationId\":\"getSystemMembers\"}";
    private static final String WRITE = "{\"method\":\"mutate\",\"operationId\":\"patchSystemMembersById\",\"items\":["
        + "{\"id\":7,\"title\":\"Technician\"},{\"id\":999999,\"title\":\"Technician\"},{\"id\":8,\"title\":\"Technician\"}]}";
    private static final String LONG_QUERY = "{\"method\":\"query\",\"operationId\":\"getSystemMembers\",\"batch\":{\"items\":1}}";

    public static void main(String[] args) throws InterruptedException {
        try (Opnode opnode = new Opnode(System.getenv("OPNODE_LIBRARY"), "{}")) {
            try (Opnode.Connection connection = opnode.open(System.getenv("OPNODE_CONNECTION"))) {
                System.out.println("templates");
                for (String template : opnode.templates("connectwise-manage", "{\"text\":\"members\",\"limit\":3}")) {
                    System.out.println("  " + field(template, "template") + ": " + field(template, "title"));
                }

                System.out.println("query");
                String report = run(connection, QUERY, Host::showPage, Integer.MAX_VALUE);
                for (String key : new String[] {"pages", "items", "complete"}) System.out.println("  " + key + ": " + field(report, key));

                System.out.println("at once");
                Opnode.Answer answer = connection.run(QUERY, 10_000);
                System.out.println("  " + answer.items.length + " items, complete: " + field(answer.report, "complete"));

                System.out.println("mutate");
                report = run(connection, WRITE, Host::showOutcomes, Integer.MAX_VALUE);
                System.out.println("  state: " + field(report, "state"));

                System.out.println("cancel");
                report = run(connection, LONG_QUERY, Host::showPage, 1);
                System.out.println("  state: " + field(report, "state"));
            }
            System.out.println("shutdown: " + opnode.shutdown(10_000));
        }
    }

    // Ctrl-C ends the virtual machine; its shutdown hook cancels the running operation.
    private static final AtomicReference<Opnode.Operation> UNDER_WAY = new AtomicReference<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            Opnode.Operation operation = UNDER_WAY.get();
            if (operation != null) operation.cancel();
        }));
    }

    // Runs an operation and shows its batches. Returns the report, also after a failure.
    private static String run(Opnode.Connection connection, String request, BiConsumer<Integer, String[]> show, int batchesMax) {
        try (Opnode.Operation operation = connection.start(request)) {
            UNDER_WAY.set(operation);
            String ended = "done";
            try {
                String[] items;
                for (int number = 1; (items = operation.next()) != null; number++) {
                    if (number <= batchesMax) show.accept(number, items);
                    if (number == batchesMax) operation.cancel();
                }
            } catch (Opnode.Failure failure) {
                ended = failure.name; // getMessage() is a text for users, json has all details
            } finally {
                UNDER_WAY.set(null);
            }
            System.out.println("  ended: " + ended);
            return operation.report();
        }
    }

    private static void showPage(int number, String[] items) {
        System.out.println("  page " + number + ": " + items.length + " items, the first is " + field(items[0], "identifier"));
    }

    private static void showOutcomes(int number, String[] outcomes) {
        for (String outcome : outcomes) {
            String kind = field(outcome, "kind");
            System.out.println("  item " + field(outcome, "index") + ": " + field(outcome, "status") + (kind.isEmpty() ? "" : " (" + kind + ")"));
        }
    }

    // The plain value of the first `key` in a JSON text. Enough for this example; a real host reads JSON with its own library.
    private static String field(String json, String key) {
        Matcher found = Pattern.compile("\"" + key + "\": ?\"?([^\",}\\]]*)").matcher(json);
        return found.find() ? found.group(1) : "";
    }
}
