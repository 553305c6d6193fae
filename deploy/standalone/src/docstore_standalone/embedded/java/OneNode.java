import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** One OpenSearch node with the modules DocStore needs, which are on the class path instead of in folders. */
public final class OneNode extends Node {
    private OneNode(Path home) {
        super(
            InternalSettingsPreparer.prepareEnvironment(
                Settings.builder().put("path.home", home).build(), Map.of(), home.resolve("config"), () -> "one"),
            List.of(Netty4Plugin.class, CommonAnalysisPlugin.class),
            false);
    }

    /** The only argument: the folder with config/opensearch.yml. Ends with the process. */
    public static void main(String[] arguments) throws Exception {
        Node node = new OneNode(Path.of(arguments[0]));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
        Thread.currentThread().join();
    }

    private static void close(Node node) {
        try {
            node.close();
        } catch (IOException error) {
            error.printStackTrace();
        }
    }
}
