import org.neo4j.server.CommunityBootstrapper;
import org.neo4j.server.NeoBootstrapper;

/** Runs Neo4j Community in this process, until it is ended. */
public class Launch {
    public static void main(String[] args) {
        int code = NeoBootstrapper.start(new CommunityBootstrapper(), args);
        if (code != 0) {
            System.exit(code);
        }
    }
}
