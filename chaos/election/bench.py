"""Measures how long an ensemble is without a leader: ours, Apache Curator's LeaderLatch, kazoo's Election.

Run by scripts/bench-election, which says what the arguments are. All three on one ensemble with one session timeout. The
time is from right before the signal to when an onlooker is told of the next leader: for ours its watch on the record fires
for the committed claim, for the others the line comes that the new leader prints.
"""

import argparse
import json
import logging
import os
import queue
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient

PATIENCE = 120.0


def await_that(what, holds):
    end = time.monotonic() + PATIENCE
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"bench-election: never came: {what}")
        time.sleep(0.01)


def mode(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as connection:
            connection.sendall(b"srvr")
            connection.settimeout(2)
            text = b""
            while piece := connection.recv(4096):
                text += piece
    except OSError:
        return None
    return next((line.split()[1].decode() for line in text.splitlines() if line.startswith(b"Mode:")), None)


class EnsembleLeader:
    """The server that leads ZooKeeper now."""

    def __init__(self, options):
        self.options = options
        self.ports = [int(server.rsplit(":", 1)[1]) for server in options.zookeeper.split(",")]
        self.number = next(place for place, port in enumerate(self.ports, 1) if mode(port) == "leader")

    def kill(self):
        self.run("kill")

    def start(self):
        self.run("start")
        await_that("the server is back", lambda: mode(self.ports[self.number - 1]))

    def run(self, verb):
        command = [self.options.chaos, "sandbox", "node", verb, f"zookeeper-{self.number}"]
        subprocess.run(
            command + ["--directory", self.options.directory], check=True, stdout=subprocess.DEVNULL)


class Healers:
    """Three real healers without brokers, in mode observe: they do nothing but lead."""

    name = "ours"
    base = "/kafka-healer/clusters/sandbox"

    def __init__(self, options, zk):
        self.options, self.zk = options, zk
        self.processes, self.lives = {}, 0
        for number in range(1, 4):
            self.start(f"healer-{number}")
        self.settle()

    def start(self, name):
        self.lives += 1
        folder = f"{self.options.directory}/bench/{name}-{self.lives}"
        os.makedirs(folder + "/state")
        environment = dict(
            os.environ, HEALER_ID=name, HEALER_COUNT="3", HEALER_MODE="observe", HEALER_PROFILE=self.options.profile,
            SANDBOX_ZOOKEEPER=self.options.zookeeper, SANDBOX_BOOTSTRAP="127.0.0.1:9",
            SANDBOX_DIRECTORY=self.options.directory, HEALER_CHAOS=self.options.chaos, HEALER_STATE=folder + "/state",
            HEALER_LOGS=folder)
        with open(folder + "/console.log", "w") as console:
            process = subprocess.Popen(
                [self.options.healer, "run", "--config", self.options.config], env=environment, stdout=console,
                stderr=console, stdin=subprocess.DEVNULL)
        self.processes[name] = (process, folder)

    def holder(self):
        """`None` while nobody leads, or the ensemble does not say."""
        try:
            return self.read()[0]
        except Exception:
            return None

    def read(self, watch=None):
        """Whoever holds the record, and the record's version."""
        data, stat = self.zk.get(self.base + "/leader", watch=watch)
        record = json.loads(data)
        return record if record.get("member") else None, stat.version

    def settle(self):
        """One leads, all stand in line, and both others hold a connection to the leader."""

        def holds():
            record = self.holder()
            if not record or len(self.zk.get_children(self.base + "/candidates")) != 3:
                return None
            connected = 0
            for _, folder in self.processes.values():
                with open(folder + "/application.log") as log:
                    connected += any(
                        "connected to whoever leads" in line and record["incarnation"] in line for line in log)
            return record if connected == 2 else None

        return await_that("all healers in line and connected", holds)

    def trial(self, number):
        before = self.settle()
        time.sleep(random.uniform(0.2, 1.2))
        process, _ = self.processes[before["member"]]
        told = queue.Queue()
        tell = lambda _: told.put(time.monotonic())
        _, version = self.read(watch=tell)
        begin = time.monotonic()
        process.send_signal(number)
        while True:
            try:
                at = told.get(timeout=PATIENCE)
            except queue.Empty:
                raise SystemExit("bench-election: nobody followed our leader")
            record, seen = self.read(watch=tell)
            if seen != version + 1:
                # More than one change, and the watch fired for the first.
                at = time.monotonic()
            version = seen
            if record and record["incarnation"] != before["incarnation"]:
                break
        took = at - begin
        if number == signal.SIGSTOP:
            process.send_signal(signal.SIGCONT)
        else:
            process.wait(PATIENCE)
            self.start(before["member"])
        return took

    def ensemble_leader_killed(self):
        """How long nothing is renewed when ZooKeeper's own leader is killed, and whether ours is still the same."""
        before, server = self.settle(), EnsembleLeader(self.options)

        def beat():
            try:
                return self.zk.exists(self.base + "/beat").version
            except Exception:
                return None

        pulse = beat()
        begin = time.monotonic()
        server.kill()
        pulse = max(pulse, beat() or 0)
        await_that("a renewal", lambda: (beat() or 0) > pulse + 1)
        took = time.monotonic() - begin
        same = (self.settle() or {}).get("incarnation") == before["incarnation"]
        server.start()
        return took, same

    def end(self):
        for process, _ in self.processes.values():
            process.terminate()
        for process, _ in self.processes.values():
            process.wait(PATIENCE)


class Peers:
    """Three processes that say LEADER when they lead."""

    def __init__(self, name, command, options):
        self.name, self.command, self.options = name, command, options
        self.lines, self.processes, self.lives, self.leader = queue.Queue(), {}, 0, None
        for _ in range(3):
            self.start()
        self.leader = self.next_leader()

    def start(self):
        self.lives += 1
        name = f"peer-{self.lives}"
        process = subprocess.Popen(
            self.command + [
                self.options.zookeeper, f"/bench-{self.name}", str(self.options.session), name],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        self.processes[name] = process
        ready = threading.Event()

        def read():
            for line in process.stdout:
                if line.strip() == "READY":
                    ready.set()
                if line.strip() == "LEADER":
                    self.lines.put((time.monotonic(), name))

        threading.Thread(target=read, daemon=True).start()
        if not ready.wait(PATIENCE):
            raise SystemExit(f"bench-election: a participant of {self.name} did not start")

    def next_leader(self):
        at, name = self.lines.get(timeout=PATIENCE)
        self.at = at
        return name

    def trial(self, number):
        time.sleep(random.uniform(0.2, 1.2))
        process = self.processes.pop(self.leader)
        begin = time.monotonic()
        process.send_signal(number)
        self.leader = self.next_leader()
        took = self.at - begin
        process.kill() if number == signal.SIGSTOP else None
        process.wait(PATIENCE)
        self.start()
        return took

    def ensemble_leader_killed(self):
        """When somebody last said that it leads after ZooKeeper's own leader was killed, and whether that is the same one.

        `None`: nobody said anything within the time of a session and two seconds more.
        """
        before, took, server = self.leader, None, EnsembleLeader(self.options)
        begin = time.monotonic()
        server.kill()
        end = begin + self.options.session / 1000 + 2
        while (left := end - time.monotonic()) > 0:
            try:
                at, self.leader = self.lines.get(timeout=left)
                took = at - begin
            except queue.Empty:
                break
        server.start()
        return took, self.leader == before

    def end(self):
        for process in self.processes.values():
            process.kill()
            process.wait(PATIENCE)


def summary(times):
    times = sorted(1000 * one for one in times)
    part = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return times[0], statistics.median(times), part(0.95), part(0.99), times[-1]


def say(row, who, times):
    print(f"{row:12} {who:16} {len(times):4} " + " ".join(f"{one:9.1f}" for one in summary(times)), flush=True)


def guarded_writes(zk):
    """Three times of a check and a set in one multi, as every guarded write is: the floor of all this."""
    times = []
    for _ in range(3):
        begin = time.monotonic()
        multi = zk.transaction()
        multi.check("/bench-guard", 0)
        multi.set_data("/bench-scratch", b"x")
        multi.commit()
        times.append(time.monotonic() - begin)
    return times


def main():
    parser = argparse.ArgumentParser()
    for name in ("zookeeper", "directory", "healer", "chaos", "config", "curator", "profile"):
        parser.add_argument("--" + name, required=True)
    for name, standard in (("trials", 100), ("peer-trials", 20), ("session", 6000)):
        parser.add_argument("--" + name, type=int, default=standard)
    parser.add_argument("--rows", default="SIGKILL,SIGTERM,SIGSTOP,ZooKeeper")
    options = parser.parse_args()
    wanted = options.rows.split(",")
    # Its connection is lost when servers are killed on purpose.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    zk = KazooClient(hosts=options.zookeeper, timeout=20)
    zk.start(timeout=60)
    here = os.path.dirname(os.path.abspath(__file__))
    peers = [
        ("Curator", ["java", "-cp", options.curator, "LatchPeer"]),
        ("kazoo", [sys.executable, here + "/election_peer.py"]),
    ]
    rows = [("SIGKILL", signal.SIGKILL), ("SIGTERM", signal.SIGTERM), ("SIGSTOP", signal.SIGSTOP)]
    known = [row for row, _ in rows] + ["ZooKeeper"]
    for row in wanted:
        if row not in known:
            raise SystemExit(f"bench-election: unknown row: {row} (known: {', '.join(known)})")
    rows = [(row, number) for row, number in rows if row in wanted]
    print(f"{'':12} {'':16} {'n':>4} " + " ".join(f"{one:>9}" for one in ("min", "p50", "p95", "p99", "max ms")))
    zk.ensure_path("/bench-guard")
    zk.ensure_path("/bench-scratch")
    # Beside each of our trials, so that a busy machine slows both.
    floor = []
    medians = {}
    contestants = [(lambda: Healers(options, zk), options.trials)]
    contestants += [
        (lambda name=name, command=command: Peers(name, command, options), options.peer_trials)
        for name, command in peers]
    for make, trials in contestants:
        contestant = make()
        try:
            for row, number in rows:
                times = []
                for _ in range(trials):
                    if contestant.name == Healers.name:
                        floor += guarded_writes(zk)
                    times.append(contestant.trial(number))
                medians[row, contestant.name] = statistics.median(times)
                say(row, contestant.name, times)
            if "ZooKeeper" in wanted:
                floor += guarded_writes(zk) if contestant.name == Healers.name else []
                killed = [contestant.ensemble_leader_killed() for _ in range(trials)]
                times = [took for took, _ in killed if took is not None]
                if times:
                    say("ZooKeeper", contestant.name, times)
                unchanged = sum(same for _, same in killed)
                print(f"{'ZooKeeper':12} {contestant.name:16} leader unchanged in {unchanged} of {trials}", flush=True)
            if contestant.name == Healers.name:
                say("floor", "guarded write", floor)
        finally:
            contestant.end()
    for row, _ in rows:
        ours = medians[row, "ours"]
        print(
            f"{row}: ours is {ours / statistics.median(floor):.1f} guarded writes; "
            + ", ".join(f"{name} takes {medians[row, name] / ours:.3g} times as long" for name, _ in peers))
    zk.stop()


main()
