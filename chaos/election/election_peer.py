"""One participant of a kazoo Election: says READY when it stands in line, LEADER when it leads."""

import signal
import sys
import threading

from kazoo.client import KazooClient


def main() -> None:
    servers, path, session, name = sys.argv[1:5]
    client = KazooClient(hosts=servers, timeout=int(session) / 1000)
    client.start(timeout=60)
    election = client.Election(path, name)

    def stop(*_: object) -> None:
        # Off the handler's thread: closing the session waits for answers.
        threading.Thread(target=lambda: (client.stop(), client.close(), sys.stdout.flush())).start()

    signal.signal(signal.SIGTERM, stop)

    def lead() -> None:
        print("LEADER", flush=True)
        threading.Event().wait()

    def ready() -> None:
        while name not in election.contenders():
            threading.Event().wait(0.01)
        print("READY", flush=True)

    threading.Thread(target=ready, daemon=True).start()
    threading.Thread(target=election.run, args=(lead,), daemon=True).start()
    while client.connected or client.state != "LOST":
        threading.Event().wait(0.05)


main()
