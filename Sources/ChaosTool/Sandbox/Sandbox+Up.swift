import Cluster
import Foundation

/// What `up` makes.
struct SandboxOptions: Hashable, Sendable {
    var zookeepers = 3
    var brokers = 3
    /// `zookeeper.session.timeout.ms`, in milliseconds.
    var sessionTimeout = 6000
    var topics = [SandboxTopic(name: "messages", partitions: 12)]
    /// `nil`: the one in the cache, which is made if there is none.
    var archive: ClassArchive?
    /// Each ZooKeeper server finds each other one at an address of its own, so that a proxy can stand between any two.
    var hasPeerRoutes = false
    /// How much a ZooKeeper server takes of its disk at a time for its log of transactions, in kilobytes.
    var preallocation = 4096
    /// For everything together. Far above what it takes, which a busy machine stretches.
    var limit = Duration.seconds(300)
}

extension Sandbox {
    /// Makes a sandbox and returns when all of it serves: a quorum, every broker registered, every partition of every
    /// topic led and in sync, the session time-out as asked for.
    ///
    /// Whatever goes wrong on the way, cancellation included, leaves nothing running. After a failure the logs are
    /// beside the directory, under its name and `-failed`.
    ///
    /// - Parameters:
    ///   - progress: called with one line after each step.
    ///   - prepared: called when everything is written, and no process runs yet.
    static func up(
        _ options: SandboxOptions = SandboxOptions(), in directory: String,
        progress: @escaping @Sendable (String) -> Void = { _ in },
        prepared: @Sendable (Sandbox) async throws -> Void = { _ in }
    ) async throws -> Sandbox {
        let jars = try KafkaHome.jars()
        let java = try KafkaHome.java()
        try self.checkFree(SandboxDirectory.absolute(directory))
        let archive =
            if let archive = options.archive {
                archive
            } else {
                try await ClassArchive.prepared(jars: jars, java: java, progress: progress)
            }
        let begin = HostClock.now
        let sandbox = try self.make(options, in: directory, jars: jars, java: java, archive: archive)
        @Sendable func step(_ text: String) {
            let seconds = String(format: "%.1f", (HostClock.now - begin).inSeconds)
            progress("\(seconds) s  \(text)")
        }
        do {
            step("sandbox \(sandbox.id) in \(sandbox.directory)")
            let end = begin + options.limit
            try await prepared(sandbox)
            try await sandbox.launch(sandbox.description.zookeepers)
            try await sandbox.awaitQuorum(until: end)
            step("\(options.zookeepers) ZooKeeper servers serve: \(sandbox.description.zookeeper)")
            if options.brokers > 0 {
                try await sandbox.launch(sandbox.description.brokers)
                try await sandbox.awaitBrokers(until: end)
                step("\(options.brokers) brokers are registered: \(sandbox.description.bootstrap)")
                try await sandbox.createTopics(until: end)
                try await sandbox.awaitInSync(until: end)
                let topics = options.topics.map { "\($0.name):\($0.partitions)" }.joined(separator: " ")
                step("topics in sync: \(topics.isEmpty ? "none" : topics)")
                try sandbox.checkSessionTimeouts()
                step("session time-out negotiated: \(options.sessionTimeout) ms")
            }
            return sandbox
        } catch {
            let failed = "\(sandbox.directory)-failed"
            if !(error is CancellationError) {
                try? FileManager.default.removeItem(atPath: failed)
                try await sandbox.down(keepingLogs: failed)
                throw SandboxError("\(error)\nlogs: \(failed)")
            }
            try await sandbox.down()
            throw error
        }
    }

    /// - Throws: ``SandboxError`` unless the directory is absent or empty.
    private static func checkFree(_ directory: String) throws {
        if FileManager.default.fileExists(atPath: "\(directory)/sandbox.json") {
            throw SandboxError("there is a sandbox in \(directory) already: `healer-chaos sandbox down` removes it")
        }
        let present = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        guard present.isEmpty else { throw SandboxError("\(directory) is not empty, and not a sandbox") }
    }

    /// The directory with everything in it that must be there before the first process starts.
    private static func make(
        _ options: SandboxOptions, in directory: String, jars: String, java: String, archive: ClassArchive?
    ) throws -> Sandbox {
        let directory = SandboxDirectory.absolute(directory)
        try self.checkFree(directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let id = (0..<4).map { _ in String(format: "%04x", UInt16.random(in: 0...UInt16.max)) }.joined()
        let list = SandboxList()
        do {
            var ports = try list.enter(
                id: id, directory: directory, ports: options.zookeepers * 3 + options.brokers)[...]
            let zookeepers = (0..<options.zookeepers).map { number in
                SandboxNode(
                    name: "zookeeper-\(number + 1)", role: .zookeeper, broker: nil, host: "127.0.0.1",
                    port: ports.removeFirst(), peerPorts: [ports.removeFirst(), ports.removeFirst()],
                    folder: "\(directory)/zookeeper-\(number + 1)")
            }
            let brokers = (0..<options.brokers).map { number in
                SandboxNode(
                    name: "kafka-\(number + 1)", role: .broker, broker: Int32(number + 1), host: "127.0.0.1",
                    port: ports.removeFirst(), peerPorts: [], folder: "\(directory)/kafka-\(number + 1)")
            }
            func addresses(_ nodes: [SandboxNode]) -> String {
                nodes.map { "\($0.host):\($0.port)" }.joined(separator: ",")
            }
            let sandbox = Sandbox(
                directory: directory,
                description: SandboxDescription(
                    id: id, created: HostClock.iso8601, nodes: zookeepers + brokers, zookeeper: addresses(zookeepers),
                    bootstrap: addresses(brokers), sessionTimeout: options.sessionTimeout,
                    topics: options.brokers > 0 ? options.topics : [], jars: jars, java: java, archive: archive,
                    preallocation: options.preallocation,
                    peerRoutes: options.hasPeerRoutes ? PeerRoute.all(options.zookeepers) : nil))
            for node in sandbox.description.nodes { try sandbox.prepare(node) }
            try AtomicFile.write(sandbox.description, to: "\(directory)/sandbox.json")
            return sandbox
        } catch {
            try? FileManager.default.removeItem(atPath: directory)
            list.leave(id: id)
            throw error
        }
    }

    /// Launches all of them at once. Not a request: the log counts what happens after `up`.
    private func launch(_ nodes: [SandboxNode]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { try await blocking { try self.launchKeeper(of: node) } } }
            try await group.waitForAll()
        }
    }
}

/// What a cluster that serves looks like, and waiting for it.
extension Sandbox {
    /// Asks again until it is so. A node that ends meanwhile, or `end` passing, is an error with the node's last lines.
    func await(
        _ what: String, of nodes: [SandboxNode], until end: Moment,
        _ ask: @escaping @Sendable () throws -> Bool
    ) async throws {
        while !(try await blocking(ask)) {
            for node in nodes {
                let state = NodeSupervisor(sandbox: self, node: node).status()
                guard state.state == .running else {
                    let exit = state.exit.map { ", \($0)" } ?? ""
                    throw SandboxError(
                        "\(node.name) \(state.state.rawValue)\(exit) before \(what)\n\(self.tail(of: node))")
                }
            }
            guard HostClock.now < end else {
                throw SandboxError(
                    "not in time: \(what)\n" + nodes.map { self.tail(of: $0) }.joined(separator: "\n"))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func tail(of node: SandboxNode) -> String {
        let lines = NodeSupervisor(sandbox: self, node: node).logs(lines: 12)
        return "--- \(node.name): \(node.log)\n\(lines)"
    }

    func awaitQuorum(until end: Moment) async throws {
        let servers = self.description.zookeepers
        try await self.await("every ZooKeeper server serves", of: servers, until: end) {
            servers.allSatisfy { FourLetterWord.mode(port: $0.port) != nil }
        }
    }

    func awaitBrokers(until end: Moment) async throws {
        let brokers = self.description.brokers
        try await self.await("every broker is registered", of: self.description.nodes, until: end) {
            brokers.allSatisfy { broker in
                guard let metadata = self.metadata(from: broker) else { return false }
                return metadata.brokers.count == brokers.count && metadata.controller != nil
            }
        }
    }

    /// Waits until every broker sees every partition of every topic led, with all its replicas in sync.
    func awaitInSync(until end: Moment) async throws {
        let brokers = self.description.brokers
        let expected = self.description.topics.map { Int($0.partitions) }.reduce(0, +)
        try await self.await("every partition is in sync", of: self.description.nodes, until: end) {
            brokers.allSatisfy { broker in
                guard let metadata = self.metadata(from: broker) else { return false }
                return metadata.partitions.count >= expected
                    && metadata.partitions.allSatisfy { !$0.isOffline && !$0.isUnderReplicated }
            }
        }
    }

    /// What this broker says of the cluster; `nil` while it does not answer.
    func metadata(from broker: SandboxNode) -> KafkaWire.Metadata? {
        guard let wire = try? KafkaWire(port: broker.port, limit: .seconds(5)) else { return nil }
        return try? wire.metadata()
    }

    private func createTopics(until end: Moment) async throws {
        let topics = self.description.topics
        let brokers = self.description.brokers
        if topics.isEmpty { return }
        try await self.await("topics are created", of: self.description.nodes, until: end) {
            guard let first = brokers.first, let controller = self.metadata(from: first)?.controller,
                let broker = brokers.first(where: { $0.broker == controller.rawValue })
            else { return false }
            // A busy controller may not answer in time, and still create them.
            guard let wire = try? KafkaWire(port: broker.port),
                let failed = try? wire.createTopics(
                    topics, replicationFactor: Int16(min(3, brokers.count)), minInSyncReplicas: min(2, brokers.count))
            else { return false }
            // 36: there already, from a try whose answer came too late. 41: the controller has just moved.
            let serious = failed.filter { $0.code != 36 && $0.code != 41 }
            guard serious.isEmpty else {
                let reasons = serious.map { "\($0.topic): error \($0.code) \($0.message)" }
                throw SandboxError("cannot create topics: " + reasons.joined(separator: ", "))
            }
            return !failed.contains { $0.code == 41 }
        }
    }

    /// In milliseconds, in the broker's own words: the last session it established. `nil` if its log has none.
    func negotiatedSessionTimeout(of broker: SandboxNode) -> Int? {
        let text = ProcFile.text(broker.log) ?? ""
        let mark = "negotiated timeout = "
        guard let found = text.range(of: mark, options: .backwards) else { return nil }
        return Int(text[found.upperBound...].prefix { $0.isNumber })
    }

    private func checkSessionTimeouts() throws {
        for broker in self.description.brokers {
            let negotiated = self.negotiatedSessionTimeout(of: broker)
            guard negotiated == self.description.sessionTimeout else {
                throw SandboxError(
                    "\(broker.name) negotiated a session of \(negotiated.map { "\($0) ms" } ?? "unknown time"), "
                        + "not \(self.description.sessionTimeout) ms")
            }
        }
    }
}
