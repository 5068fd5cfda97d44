import Cluster
import Docker
import Foundation
import Testing

@testable import Daemon

/// Ends at once when it is asked to.
private let obedient = "trap 'exit 143' TERM; while :; do sleep 0.1; done"
/// Has to be killed.
private let stubborn = "trap '' TERM; while :; do sleep 0.1; done"

@Suite("The docker supervisor, on a real engine", .serialized, .timeLimit(.minutes(10)))
struct DockerSupervisorTests {
    @Test("What an engine says of a container is what its process does, and by whose hand it ended")
    func states() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor()
            let created = try await engine.container("created", obedient, run: false)
            #expect(try await supervisor.status(of: created) == ProcessState(state: .stopped, identity: nil))

            let kafka = try await engine.container("kafka", obedient)
            let running = try await supervisor.status(of: kafka)
            #expect(running.state == .running && running.exit == nil)
            #expect(running.identity != nil)
            try await engine.docker("pause", kafka.name.rawValue)
            #expect(try await supervisor.status(of: kafka) == running, "a frozen one runs")
            try await engine.docker("unpause", kafka.name.rawValue)

            try await engine.docker("kill", kafka.name.rawValue)
            let killed = try await engine.state(of: kafka, supervisor) { $0.state != .running }
            #expect(killed == ProcessState(state: .exited, identity: running.identity, exit: .signal(9)))

            try await engine.docker("start", kafka.name.rawValue)
            let again = try await supervisor.status(of: kafka)
            #expect(again.state == .running && again.identity != running.identity)
            try await engine.docker("stop", kafka.name.rawValue)
            let stopped = try await supervisor.status(of: kafka)
            // By SIGTERM, or by SIGKILL where its shell had not come to its trap.
            #expect(stopped.state == .stopped && stopped.identity == again.identity && stopped.exit != nil)

            let failing = try await engine.container("failing", "exit 3")
            let failed = try await engine.state(of: failing, supervisor) { $0.state != .running }
            #expect(failed.state == .exited && failed.exit == .code(3))
            let done = try await engine.container("done", "exit 0")
            let ended = try await engine.state(of: done, supervisor) { $0.state != .running }
            #expect(ended.state == .stopped && ended.exit == .code(0))

            let nobody = Node(name: NodeName("\(engine.prefix)-nobody"), role: .zooKeeper, endpoint: kafka.endpoint)
            await #expect(throws: SupervisorFailure(reason: "No such container: \(nobody.name)")) {
                _ = try await supervisor.status(of: nobody)
            }
        }
    }

    @Test(
        "One that was asked to stop, and had to be killed, was stopped; a healer remembers it when the engine forgets")
    func stoppedByForce() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor()
            let node = try await engine.container("stubborn", stubborn)
            try await engine.docker("stop", "-t", "1", node.name.rawValue)
            let stopped = try await supervisor.status(of: node)
            #expect(stopped.state == .stopped && stopped.exit == .signal(9))
            // Each of these is an event, of which the engine keeps 256.
            let other = try await engine.container("other", obedient)
            for _ in 0..<300 { try await engine.post("/containers/\(other.name)/kill?signal=CONT") }
            #expect(try await supervisor.status(of: node).state == .stopped)
            // Who was not there is told by the exit status alone.
            #expect(try await engine.supervisor().status(of: node).state == .exited)
        }
    }

    @Test("An engine whose restart policy is at it goes first; an exit that it leaves alone is an exit")
    func restartPolicy() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor()
            let looping = try await engine.container("looping", "exit 1", options: ["--restart", "always"])
            let restarting = try await engine.state(of: looping, supervisor) { $0.state == .restarting }
            #expect(restarting.exit == .code(1))
            _ = try await engine.state(of: looping, supervisor) { $0.identity != restarting.identity }
            #expect(await supervisor.probe(.start, looping, identity: nil) != .notStarted)

            // The engine takes a kill through its interface for somebody's wish, and starts nothing.
            let killed = try await engine.container("killed", obedient, options: ["--restart", "always"])
            try await engine.docker("kill", killed.name.rawValue)
            #expect(try await engine.state(of: killed, supervisor) { $0.state != .running }.state == .exited)

            let limited = try await engine.container("limited", "exit 1", options: ["--restart", "on-failure:1"])
            #expect(try await engine.state(of: limited, supervisor) { $0.state == .exited }.exit == .code(1))
        }
    }

    @Test("A step reaches the life that is meant, and no other")
    func identity() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor()
            let node = try await engine.container("kafka", obedient)
            let first = try #require(try await supervisor.status(of: node).identity)
            let stranger = ProcessIdentity("\(first)0")
            #expect(try await !engine.carryOut(.kill, node, stranger, by: supervisor).succeeded)
            #expect(try await !engine.carryOut(.stop, node, stranger, by: supervisor).succeeded)
            #expect(try await !engine.carryOut(.restart, node, stranger, by: supervisor).succeeded)
            #expect(try await supervisor.status(of: node).identity == first, "nothing was done to it")
            #expect(try await supervisor.status(of: node).state == .running)

            #expect(try await engine.carryOut(.kill, node, first, by: supervisor).succeeded)
            #expect(try await supervisor.status(of: node).state == .exited)
            #expect(try await engine.carryOut(.kill, node, first, by: supervisor).succeeded, "it had ended")
            #expect(try await !engine.carryOut(.start, node, stranger, by: supervisor).succeeded)
            #expect(try await supervisor.status(of: node).state == .exited)

            let started = try await engine.carryOut(.start, node, first, by: supervisor)
            #expect(started.succeeded)
            let second = try #require(try await supervisor.status(of: node).identity)
            #expect(second != first)
            #expect(started.output.text.contains(second.rawValue))
            // A late duplicate finds it running, and a late kill finds another life.
            #expect(try await engine.carryOut(.start, node, first, by: supervisor).succeeded)
            #expect(try await !engine.carryOut(.kill, node, first, by: supervisor).succeeded)
            #expect(try await supervisor.status(of: node) == ProcessState(state: .running, identity: second))

            #expect(try await engine.carryOut(.restart, node, second, by: supervisor).succeeded)
            let third = try #require(try await supervisor.status(of: node).identity)
            #expect(third != second)
            #expect(try await engine.carryOut(.stop, node, third, by: supervisor).succeeded)
            #expect(try await supervisor.status(of: node).state == .stopped)

            // Created anew under the same name, and not started.
            try await engine.docker("rm", node.name.rawValue)
            _ = try await engine.container("kafka", obedient, run: false)
            let refused = try await engine.carryOut(.start, node, third, by: supervisor)
            #expect(!refused.succeeded)
            #expect(refused.errors.text.contains("another life"), "\(refused)")
            #expect(try await supervisor.status(of: node).identity == nil)
            #expect(try await engine.carryOut(.start, node, nil, by: supervisor).succeeded)
        }
    }

    @Test("A step whose startBy has passed does nothing")
    func late() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor()
            let node = try await engine.container("kafka", obedient)
            let identity = try await supervisor.status(of: node).identity
            let past = "\((bootTime() - .milliseconds(1)).nanoseconds)"
            let command = try supervisor.command(
                .kill, node, identity: identity, environment: ["HEALER_START_BY": past])
            #expect(await !command.run().succeeded)
            #expect(try await supervisor.status(of: node).state == .running)
        }
    }

    @Test("A probe tells not yet, under way and done apart, though whoever asked the engine is gone")
    func probes() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor(stopTime: .seconds(10))
            let node = try await engine.container("kafka", stubborn)
            let first = try await supervisor.status(of: node).identity
            for verb in [SupervisorVerb.kill, .stop, .restart] {
                #expect(await supervisor.probe(verb, node, identity: first) == .notStarted, "\(verb)")
            }
            // The client dies soon after the engine has heard of it, and the engine goes on.
            var command = try supervisor.command(.restart, node, identity: first, environment: [:])
            command.limit = .milliseconds(500)
            #expect(await command.run().end == .timedOut)
            while await supervisor.probe(.restart, node, identity: first) == .notStarted, command.limit < .seconds(8) {
                // On a busy machine that was too soon.
                command.limit *= 2
                #expect(await command.run().end == .timedOut)
            }
            var seen: [ProbeResult] = []
            let end = bootTime() + .seconds(60)
            while bootTime() < end {
                let result = await supervisor.probe(.restart, node, identity: first)
                if result != seen.last { seen.append(result) }
                if case .done = result { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(seen.count == 2 && seen.first == .running, "\(seen)")
            let second = try await supervisor.status(of: node).identity
            #expect(second != first)

            #expect(await supervisor.probe(.kill, node, identity: second) == .notStarted)
            #expect(try await engine.carryOut(.kill, node, second, by: supervisor).succeeded)
            guard case .done(let killed) = await supervisor.probe(.kill, node, identity: second) else {
                Issue.record("a kill that was done")
                return
            }
            #expect(killed.outcome == .succeeded && killed.exit == .signal(9))

            #expect(await supervisor.probe(.start, node, identity: second) == .notStarted)
            #expect(try await engine.carryOut(.start, node, second, by: supervisor).succeeded)
            guard case .done(let started) = await supervisor.probe(.start, node, identity: second) else {
                Issue.record("a start that was done")
                return
            }
            #expect(started.outcome == .succeeded)
            let absent = engine.supervisor(at: .unix(path: "/nonexistent/docker.sock"))
            #expect(await absent.probe(.start, node, identity: second) == .unknown)
        }
    }

    @Test("A log is what both outputs wrote; a dump is what a JVM answers to SIGQUIT; a paused one stays paused")
    func logs() async throws {
        try await TestEngine.with { engine in
            let supervisor = engine.supervisor(limits: [.dump: .seconds(20)])
            let script = """
                trap 'echo Full thread dump of $n; echo "JNI global refs: 1"; n=$((n+1))' QUIT
                n=1; echo to output; echo to errors >&2; while :; do sleep 0.1; done
                """
            let node = try await engine.container("jvm", script)
            let identity = try await supervisor.status(of: node).identity
            var text = ""
            let end = bootTime() + .seconds(60)
            while !(text.contains("to output\n") && text.contains("to errors\n")), bootTime() < end {
                text = try await engine.carryOut(.logs, node, identity, by: supervisor).output.text
            }
            #expect(text.contains("to output\n") && text.contains("to errors\n"), "\(text)")
            for number in 1...2 {
                let dump = try await engine.carryOut(.dump, node, identity, by: supervisor)
                #expect(dump.output.text.hasPrefix("Full thread dump of \(number)\nJNI global refs"), "\(dump)")
            }
            try await engine.docker("pause", node.name.rawValue)
            let frozen = try await engine.carryOut(.dump, node, identity, by: supervisor)
            #expect(frozen.output.text == "no thread dump: it is paused\n", "\(frozen)")
            #expect(try await engine.docker("inspect", "-f", "{{.State.Status}}", node.name.rawValue) == "paused")

            let deaf = try await engine.container("deaf", "trap '' QUIT; while :; do sleep 0.1; done")
            let silence = try await engine.carryOut(
                .dump, deaf, supervisor.status(of: deaf).identity, by: engine.supervisor(limits: [.dump: .seconds(2)]))
            #expect(silence.output.text.hasPrefix("no thread dump came"), "\(silence)")
        }
    }

    @Test("An engine that cannot be reached says nothing about a node")
    func unreachable() async throws {
        try await TestEngine.with { engine in
            let node = Node(name: NodeName("kafka-1"), role: .zooKeeper, endpoint: Endpoint(host: "127.0.0.1", port: 1))
            let path = "/nonexistent/docker.sock"
            let supervisor = engine.supervisor(at: .unix(path: path))
            do throws(SupervisorFailure) {
                _ = try await supervisor.status(of: node)
                Issue.record("an answer from nowhere")
            } catch {
                #expect(error.reason.hasPrefix("the Docker engine at unix://\(path): "), "\(error)")
            }
        }
    }
}
