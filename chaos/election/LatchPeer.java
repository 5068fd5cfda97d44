import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.retry.RetryForever;

/** One participant of an Apache Curator LeaderLatch: says READY when it stands in line, LEADER when it leads. */
public class LatchPeer {
    public static void main(String[] arguments) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder()
                .connectString(arguments[0])
                .sessionTimeoutMs(Integer.parseInt(arguments[2]))
                .retryPolicy(new RetryForever(100))
                .build();
        client.start();
        client.blockUntilConnected();
        LeaderLatch latch = new LeaderLatch(client, arguments[1], arguments[3]);
        latch.addListener(new LeaderLatchListener() {
            @Override public void isLeader() { System.out.println("LEADER"); }
            @Override public void notLeader() { System.out.println("LOST"); }
        });
        latch.start();
        while (latch.getParticipants().stream().noneMatch(one -> one.getId().equals(arguments[3]))) Thread.sleep(10);
        System.out.println("READY");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                latch.close();
            } catch (Exception closing) {
                System.err.println(closing);
            }
            client.close();
        }));
        new CountDownLatch(1).await();
    }
}
