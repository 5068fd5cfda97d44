import Cluster
import Foundation
import Synchronization

/// A sandbox cluster and healers, all processes of this host.
final class ProcessPlatform: Platform {
    static let word = "processes"
    static var features: Set<PlatformFeature> {
        // No proxy stands before a broker, which tells its clients itself where it is.
        let all = Set(PlatformFeature.allCases).subtracting([.brokerLinks])
        // A small disk is a file system of its own, which only root can bring in.
        return geteuid() == 0 ? all : all.subtracting([.smallDisks])
    }

    let sandbox: Sandbox
    let cast: [CastMember]
    let canary: String
    private let scenario: Scenario
    private let choice: HealerChoice
    private let proxies: [Link: [FaultProxy]]
    private let disks: SmallDisks
    private let healers = Mutex<[String: HealerProcess]>([:])
    private let covers = Mutex<Set<String>>([])
    private let brakes = Mutex<[String: Task<Void, Never>]>([:])

    var zookeeper: String { self.sandbox.description.zookeeper }
    var bootstrap: String { self.sandbox.description.bootstrap }
    let layout = Layout(root: "/kafka-healer", cluster: ClusterName("sandbox"))
    /// A cluster of its own has no past.
    let since = WallTime(0)

    private init(
        _ sandbox: Sandbox, _ scenario: Scenario, _ choice: HealerChoice, _ proxies: [Link: [FaultProxy]],
        _ disks: SmallDisks
    ) {
        self.sandbox = sandbox
        self.scenario = scenario
        self.choice = choice
        self.proxies = proxies
        self.disks = disks
        self.canary = "canary-\(UInt64.random(in: 0...UInt64.max))"
        self.cast =
            sandbox.description.nodes.map { node in
                CastMember(name: node.name, part: node.broker.map { .broker(BrokerID($0)) } ?? .zooKeeper)
            } + (1...scenario.given.healers).map { CastMember(name: "healer-\($0)", part: .healer) }
    }

    static func up(
        for scenario: Scenario, healers choice: HealerChoice, in directory: String,
        progress: @escaping @Sendable (String) -> Void
    ) async throws -> ProcessPlatform {
        var options = SandboxOptions(zookeepers: scenario.given.zookeepers, brokers: scenario.given.brokers)
        options.topics = [SandboxTopic(name: "messages", partitions: Int32(scenario.given.partitions))]
        // A full disk is felt when more of it is wanted: soon.
        if !scenario.smallDisks.isEmpty { options.preallocation = 4 }
        options.hasPeerRoutes = scenario.needs.contains(.peerLinks)
        let parts = Mutex<([Link: [FaultProxy]], SmallDisks)>(([:], SmallDisks(folders: [])))
        do {
            let sandbox = try await Sandbox.up(options, in: directory, progress: progress) { sandbox in
                let disks = SmallDisks(
                    folders: try scenario.smallDisks.sorted().map { "\(try sandbox.node($0).folder)/data" })
                try disks.mount()
                parts.withLock { $0.1 = disks }
                let proxies = try self.proxies(for: scenario, sandbox)
                parts.withLock { $0.0 = proxies }
            }
            let (proxies, disks) = parts.withLock { $0 }
            let platform = ProcessPlatform(sandbox, scenario, choice, proxies, disks)
            do {
                if choice != .none {
                    try platform.prepareHealers()
                    for member in platform.cast where member.part == .healer {
                        try platform.startHealer(member.name)
                    }
                }
                return platform
            } catch {
                try? await platform.down(keepingLogs: nil)
                throw error
            }
        } catch {
            let (proxies, disks) = parts.withLock { $0 }
            for proxy in proxies.values.joined() { await proxy.close() }
            disks.unmount()
            throw error
        }
    }

    func down(keepingLogs folder: String?) async throws {
        for task in self.brakes.withLock({ $0.values }) { task.cancel() }
        for folder in self.covers.withLock({ $0 }) { try? self.cover(folder, nil) }
        if let folder {
            try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try? FileManager.default.removeItem(atPath: "\(folder)/healers")
            try? FileManager.default.copyItem(
                atPath: "\(self.sandbox.directory)/healers", toPath: "\(folder)/healers")
        }
        if !self.disks.folders.isEmpty {
            for node in self.sandbox.description.nodes { _ = try? await self.sandbox.kill(node.name) }
            self.disks.unmount()
        }
        try await self.sandbox.down(keepingLogs: folder)
        for proxy in self.proxies.values.joined() { await proxy.close() }
    }

    // MARK: Links

    private static func proxies(for scenario: Scenario, _ sandbox: Sandbox) throws -> [Link: [FaultProxy]] {
        var proxies: [Link: [FaultProxy]] = [:]
        if scenario.needs.contains(.healerLinks) {
            for healer in (1...scenario.given.healers).map({ "healer-\($0)" }) {
                for server in sandbox.description.zookeepers {
                    proxies[Link(from: healer, to: server.name)] = [
                        try FaultProxy(to: Endpoint(host: server.host, port: server.port))
                    ]
                }
            }
        }
        for route in sandbox.description.peerRoutes ?? [] {
            let (from, to) = (try sandbox.node(route.from), try sandbox.node(route.to))
            // A server with a higher number does not take the election connection of a lower one, but calls it back
            // where the lower one says it is: there the proxy of that way must stand.
            let back = sandbox.description.peerRoutes?.first { $0.from == route.to && $0.to == route.from }
            let election = from.peerPorts[1]
            let substitution = ProxySubstitution(
                old: Array("\(from.host):\(election)".utf8), new: Array("\(back?.host ?? from.host):\(election)".utf8))
            proxies[Link(from: from.name, to: to.name)] = try to.peerPorts.enumerated().map { index, port in
                try FaultProxy(
                    to: Endpoint(host: to.host, port: port), listen: Endpoint(host: route.host, port: port),
                    substitution: index == 1 ? substitution : nil)
            }
        }
        return proxies
    }

    private func proxies(of link: Link) throws -> [FaultProxy] {
        guard let found = self.proxies[link] else { throw SandboxError("no proxy stands between \(link)") }
        return found
    }

    func apply(_ fault: ProxyOrder, to link: Link) async throws {
        for proxy in try self.proxies(of: link) { try await proxy.order(fault) }
    }

    func mend(_ link: Link) async throws {
        for proxy in try self.proxies(of: link) {
            for order in [ProxyOrder.release, .heal, .accept, .delay(.zero), .jitter(.zero), .bandwidth(0)] {
                try await proxy.order(order)
            }
        }
    }

    // MARK: Healers

    private var configuration: String { "\(self.sandbox.directory)/configuration.yaml" }
    private var slowStarter: String { "\(self.sandbox.directory)/slow/healer-chaos" }

    private func prepareHealers() throws {
        let example = try OwnProgram.example("config_development.yaml")
        let text = try String(contentsOfFile: example, encoding: .utf8)
        let line = "      bootstrap.servers: ${SANDBOX_BOOTSTRAP}\n"
        guard text.components(separatedBy: line).count == 2 else {
            throw SandboxError("\(example) has changed: where does a secret go?")
        }
        // Kafka asks for no password here: it is in the configuration, and nowhere else.
        let secret = line + "      sasl.password: ${HEALER_CANARY}\n"
        try AtomicFile.write(Data(text.replacingOccurrences(of: line, with: secret).utf8), to: self.configuration)
        guard self.scenario.given.startTakes > .zero else { return }
        let script = """
            #!/bin/sh
            if [ "$3" = start ]; then set -- "$@" --takes \(self.scenario.given.startTakes.inSeconds); fi
            exec '\(try OwnProgram.path)' "$@"

            """
        try FileManager.default.createDirectory(
            atPath: "\(self.sandbox.directory)/slow", withIntermediateDirectories: true)
        try Data(script.utf8).write(to: URL(fileURLWithPath: self.slowStarter))
        guard chmod(self.slowStarter, 0o755) == 0 else { throw SandboxError.system("cannot write \(self.slowStarter)") }
    }

    private func startHealer(_ name: String) throws {
        var settings = [
            "HEALER_MODE": self.choice == .observing ? "observe" : "heal",
            "HEALER_PROFILE": self.scenario.given.profile,
            "HEALER_COUNT": "\(self.scenario.given.healers)", "HEALER_CANARY": self.canary,
        ]
        let own = self.sandbox.description.zookeepers.compactMap {
            self.proxies[Link(from: name, to: $0.name)]?.first?.endpoint
        }
        if !own.isEmpty { settings["SANDBOX_ZOOKEEPER"] = own.map { "\($0)" }.joined(separator: ",") }
        if self.scenario.given.startTakes > .zero { settings["HEALER_CHAOS"] = self.slowStarter }
        let process = try HealerProcess(
            HealerID(name), sandbox: self.sandbox, program: OwnProgram.beside("healer"),
            configuration: self.configuration, settings: settings)
        self.healers.withLock { $0[name] = process }
    }

    /// Of every healer its last life, in order of name.
    var healerProcesses: [HealerProcess] {
        self.healers.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }
    }

    private func healer(_ name: String) -> HealerProcess? { self.healers.withLock { $0[name] } }
    private func isHealer(_ name: String) -> Bool { name.hasPrefix("healer-") }

    // MARK: The hand

    func kill(_ member: String) async throws {
        guard self.isHealer(member) else {
            try await self.sandbox.kill(member)
            return
        }
        self.healer(member)?.send(SIGKILL)
        _ = await self.healer(member)?.ended(within: .seconds(30))
    }

    func stop(_ member: String) async throws {
        guard self.isHealer(member) else {
            try await self.sandbox.stop(member)
            return
        }
        self.healer(member)?.send(SIGTERM)
        guard let healer = self.healer(member), await healer.ended(within: .seconds(60)) != nil else {
            throw SandboxError("\(member) does not end at SIGTERM")
        }
    }

    func start(_ member: String) async throws {
        guard self.isHealer(member) else {
            try await self.sandbox.start(member)
            return
        }
        if let present = self.healer(member), present.exitStatus == nil { return }
        try self.startHealer(member)
    }

    func freeze(_ member: String) async throws {
        if self.isHealer(member) { self.healer(member)?.send(SIGSTOP) } else { try await self.sandbox.freeze(member) }
    }

    func thaw(_ member: String) async throws {
        if self.isHealer(member) { self.healer(member)?.send(SIGCONT) } else { try await self.sandbox.thaw(member) }
    }

    /// Stopped and continued in turn, since not every host lets a process's share be set.
    func slow(_ member: String, to percent: Int?) async throws {
        self.brakes.withLock { $0.removeValue(forKey: member) }?.cancel()
        guard let pid = self.processID(of: member) else { return }
        guard let percent else {
            _ = Glibc.kill(pid, SIGCONT)
            return
        }
        let turn = Duration.milliseconds(100)
        let brake = Task {
            while !Task.isCancelled {
                _ = Glibc.kill(pid, SIGSTOP)
                try? await Task.sleep(for: turn * (100 - percent) / 100)
                _ = Glibc.kill(pid, SIGCONT)
                try? await Task.sleep(for: turn * percent / 100)
            }
            _ = Glibc.kill(pid, SIGCONT)
        }
        self.brakes.withLock { $0[member] = brake }
    }

    private func processID(of member: String) -> Int32? {
        if self.isHealer(member) { return self.healer(member).flatMap { $0.exitStatus == nil ? $0.process.pid : nil } }
        guard let node = try? self.sandbox.node(member),
            let life = AtomicFile.read(NodeLife.self, from: node.state), life.process.isAlive
        else { return nil }
        return life.process.pid
    }

    func fillDisk(of member: String, _ isFull: Bool) async throws {
        if self.isHealer(member) { return try self.cover(self.logs(of: member), isFull ? .full : nil) }
        try self.disks.fill("\(try self.sandbox.node(member).folder)/data", isFull)
    }

    func makeLogsReadOnly(of healer: String, _ isReadOnly: Bool) async throws {
        try self.cover(self.logs(of: healer), isReadOnly ? .readOnly : nil)
    }

    /// What was open there before, such as the healer's standard error, goes on below the cover.
    private func cover(_ folder: String, _ kind: SmallDisks.Cover?) throws {
        if let kind {
            try SmallDisks.cover(folder, kind)
            self.covers.withLock { _ = $0.insert(folder) }
        } else if self.covers.withLock({ $0.remove(folder) }) != nil {
            try SmallDisks.uncover(folder)
        }
    }

    private func logs(of healer: String) -> String { "\(self.sandbox.directory)/healers/\(healer)" }

    func actAsRogue(_ origin: RequestOrigin) async throws { try await self.sandbox.start("kafka-1", from: origin) }

    // MARK: The witnesses

    func isRunning(_ member: String) async throws -> Bool {
        if self.isHealer(member) { return self.healer(member).map { $0.exitStatus == nil } ?? false }
        return try self.sandbox.status(of: member).state == .running
    }

    func serves(_ node: String) async -> Bool {
        guard let node = try? self.sandbox.node(node) else { return false }
        let sandbox = self.sandbox
        return (try? await blocking { sandbox.serves(node) }) ?? false
    }

    func requests() async throws -> [NodeRequest] { try self.sandbox.requests() }
    func ends() async throws -> [NodeEnd] { try self.sandbox.requestLog.ends() }

    func transactionLogs() async throws -> [String: [[UInt8]]] {
        let servers = self.sandbox.description.zookeepers
        return try await blocking {
            servers.reduce(into: [:]) { logs, server in
                logs[server.name] = TransactionLog.files(in: "\(server.folder)/data/version-2")
            }
        }
    }

    func metadata(avoiding: Set<String>) async -> KafkaWire.Metadata? {
        let brokers = self.sandbox.description.brokers.filter { !avoiding.contains($0.name) }
        return try? await blocking {
            for broker in brokers {
                guard let wire = try? KafkaWire(port: broker.port, limit: .seconds(1)),
                    let metadata = try? wire.metadata()
                else { continue }
                return metadata
            }
            return nil
        }
    }

    func ask(_ word: String, of zookeeper: String) async -> String? {
        guard let port = try? self.sandbox.node(zookeeper).port else { return nil }
        return try? await blocking { try FourLetterWord.ask(word, port: port, limit: .seconds(1)) }
    }

    func page(_ path: String, of healer: String, at address: String) async -> String? {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else { return nil }
        return try? await blocking {
            let connection = try LoopbackConnection(port: port, limit: .seconds(2))
            try connection.send(Array("GET \(path) HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8))
            return String(decoding: try connection.receiveAll(), as: UTF8.self)
        }
    }

    func auditTrails() async throws -> [String: String] {
        self.cast.filter { $0.part == .healer }.reduce(into: [:]) { trails, healer in
            let folder = "\(self.sandbox.directory)/healers/\(healer.name)"
            let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
                $0.hasPrefix("audit.log")
            }
            trails[healer.name] = names.sorted().reversed().compactMap { ProcFile.text("\(folder)/\($0)") }.joined()
        }
    }

    func publicTexts() async throws -> [(name: String, text: String)] {
        let directory = self.sandbox.directory
        let id = self.sandbox.id
        return try await blocking {
            var texts: [(String, String)] = []
            let files = FileManager.default.enumerator(atPath: "\(directory)/healers")
            while let name = files?.nextObject() as? String {
                if let text = ProcFile.text("\(directory)/healers/\(name)") { texts.append((name, text)) }
            }
            texts.append(("requests.log", ProcFile.text("\(directory)/requests.log") ?? ""))
            for (process, _) in Leftovers.processes(where: { $0["HEALER_SANDBOX_ID"] == id }) {
                texts.append(("command line of \(process.pid)", ProcFile.commandLine(of: process.pid)))
            }
            return texts
        }
    }
}
