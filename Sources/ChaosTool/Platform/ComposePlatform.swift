import Cluster
import Curl
import Docker
import Foundation
import Synchronization

/// The cluster of `docker-compose.kafka-cluster.yml` on a Docker engine of this host.
///
/// One that runs already is taken, its healers made anew for the scenario, and given back with the healers it had; nodes
/// and what they keep stay. Otherwise it is brought up, and nothing of it is left.
final class ComposePlatform: Platform {
    static let word = "compose"
    static var features: Set<PlatformFeature> {
        PacketRules.arePossible ? [.healerLinks, .peerLinks, .brokerLinks] : []
    }

    let cast: [CastMember]
    let canary = "canary-\(UInt64.random(in: 0...UInt64.max))"
    let zookeeper = (1...3).map { "127.0.0.1:\(2180 + $0)" }.joined(separator: ",")
    let bootstrap = (1...3).map { "localhost:\(9091 + $0)" }.joined(separator: ",")
    /// As in `deploy/compose/healer.yaml`.
    let layout = Layout(root: "/kafka-healer", cluster: ClusterName("main"))
    var since: WallTime { self.beginning.withLock { $0 } }

    private let scenario: Scenario
    private let choice: HealerChoice
    /// For what is written here: the healers' configuration, and copies of what stands in containers.
    private let directory: String
    private let address: EngineAddress
    private let client = HTTPClient()
    private let engine: Engine
    private let rules = PacketRules()
    private let wasThere = Mutex(false)
    private let beginning = Mutex(WallTime(0))

    private static let project = "label=com.docker.compose.project=kafka-healer"
    private static let filter = "docker-filter"
    private static let healers = (1...3).map { "healer-\($0)" }
    private static let upSeconds = 600
    /// For one request to the engine, beyond the time that a container is given to end.
    private static let patience = Duration.seconds(60)
    private static let stopSeconds = 60

    private init(_ scenario: Scenario, _ choice: HealerChoice, _ directory: String) throws {
        let text = ProcessInfo.processInfo.environment["DOCKER_HOST"] ?? ""
        guard let address = text.isEmpty ? .standard : EngineAddress(text), case .unix = address else {
            throw SandboxError("an engine on this host is needed, at a Unix socket: DOCKER_HOST is \(text)")
        }
        self.address = address
        self.engine = Engine(address, tls: nil, client: self.client)
        self.scenario = scenario
        self.choice = choice
        self.directory = SandboxDirectory.absolute("\(directory)-compose")
        self.cast =
            (1...3).map { CastMember(name: "zookeeper-\($0)", part: .zooKeeper) }
            + (1...3).map { CastMember(name: "kafka-\($0)", part: .broker(BrokerID(Int32($0)))) }
            + Self.healers.map { CastMember(name: $0, part: .healer) }
    }

    // MARK: Up and down

    static func up(
        for scenario: Scenario, healers choice: HealerChoice, in directory: String,
        progress: @escaping @Sendable (String) -> Void
    ) async throws -> ComposePlatform {
        let platform = try ComposePlatform(scenario, choice, directory)
        do {
            try await platform.bringUp(progress)
            return platform
        } catch {
            try? await platform.down(keepingLogs: nil)
            throw error
        }
    }

    private func bringUp(_ progress: @escaping @Sendable (String) -> Void) async throws {
        guard let answer = try? await self.engine.send(.ping, within: .seconds(5)), answer.status == 200 else {
            throw SandboxError("no Docker engine answers at \(self.address): `scripts/docker-engine run` brings one")
        }
        for image in ["kafka", "healer", "docker-filter"].map({ "kafka-healer/\($0)" }) {
            guard (try? await self.docker(["image", "inspect", image])) != nil else {
                throw SandboxError("there is no image \(image): run scripts/images")
            }
        }
        let running = try await self.docker(["ps", "-q", "--filter", Self.project])
        self.wasThere.withLock { $0 = !running.isEmpty }
        progress(running.isEmpty ? "brings the compose cluster up" : "takes the compose cluster that runs")
        let override = try self.prepare()
        let some = running.isEmpty ? [] : ["--no-deps"] + Self.healers
        let up = ["up", "-d", "--wait", "--wait-timeout", "\(Self.upSeconds)"]
        try await self.compose(["-f", override] + up + some)
        self.beginning.withLock { $0 = HostClock.wall }
        if self.choice == .none { for healer in Self.healers { try await self.stop(healer) } }
    }

    /// The healers' own file, with what the scenario wants of them and a secret that is nowhere else, and what makes
    /// compose give it to them. Returns the latter's path.
    private func prepare() throws -> String {
        let example = try OwnProgram.above("deploy/compose/healer.yaml")
        var text = try String(contentsOfFile: example, encoding: .utf8)
        for (old, new) in [
            ("  profile: steady\n", "  profile: \(self.scenario.given.profile)\n"),
            // Kafka asks for no password here: it is in the configuration, and nowhere else.
            (
                "      bootstrap.servers: kafka-1:29092,kafka-2:29092,kafka-3:29092\n",
                "      bootstrap.servers: kafka-1:29092,kafka-2:29092,kafka-3:29092\n"
                    + "      sasl.password: ${HEALER_CANARY}\n"
            ),
        ] {
            guard text.components(separatedBy: old).count == 2 else {
                throw SandboxError("\(example) has changed: there is no line `\(old.dropLast())` to change")
            }
            text = text.replacingOccurrences(of: old, with: new)
        }
        try? FileManager.default.removeItem(atPath: self.directory)
        try FileManager.default.createDirectory(atPath: self.directory, withIntermediateDirectories: true)
        let configuration = "\(self.directory)/healer.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
        guard chmod(configuration, 0o644) == 0 else { throw SandboxError.system("cannot write \(configuration)") }
        let services = Self.healers.map { name in
            """
              \(name):
                environment:
                  HEALER_MODE: \(self.choice == .observing ? "observe" : "heal")
                  HEALER_CANARY: \(self.canary)
                volumes: ["\(configuration):/etc/kafka-healer/healer.yaml:ro"]

            """
        }
        let path = "\(self.directory)/override.yaml"
        try AtomicFile.write(Data(("services:\n" + services.joined()).utf8), to: path)
        return path
    }

    func down(keepingLogs folder: String?) async throws {
        self.rules.mendAll()
        if let folder { try? await self.keepLogs(in: folder) }
        do {
            if self.wasThere.withLock({ $0 }) {
                for member in self.cast { try? await self.thaw(member.name) }
                let up = ["up", "-d", "--wait", "--wait-timeout", "\(Self.upSeconds)", "--no-deps"]
                try await self.compose(up + Self.healers)
            } else {
                try await self.compose(["down", "-v", "--timeout", "20"])
            }
        } catch {
            await self.client.close()
            throw error
        }
        await self.client.close()
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    private func keepLogs(in folder: String) async throws {
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await self.withHealerLogs { try FileManager.default.copyItem(atPath: $0, toPath: "\(folder)/healers") }
        for name in self.cast.map(\.name) + [Self.filter] {
            if let text = try? await self.docker(["logs", "-t", name]) {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).log"))
            }
        }
    }

    // MARK: The hand

    private func reference(_ member: String) throws -> ContainerReference {
        guard let reference = ContainerReference(member) else { throw SandboxError("\(member) is no container") }
        return reference
    }

    func kill(_ member: String) async throws {
        guard try await self.isRunning(member) else { return }
        try await self.engine.kill(self.reference(member), .kill, within: Self.patience)
    }
    func stop(_ member: String) async throws {
        let limit = Self.patience + .seconds(Self.stopSeconds)
        try await self.engine.stop(self.reference(member), seconds: Self.stopSeconds, within: limit)
    }
    func start(_ member: String) async throws {
        _ = try await self.engine.start(self.reference(member), within: Self.patience)
    }
    /// By the engine's freezer: all processes of the container at once.
    func freeze(_ member: String) async throws { try await self.docker(["pause", member]) }
    /// What is not frozen, or has ended, stays so.
    func thaw(_ member: String) async throws {
        guard try await self.engine.inspect(self.reference(member), within: Self.patience).state.status == .paused
        else { return }
        try await self.docker(["unpause", member])
    }

    /// By a quota of the processor's time.
    func slow(_ member: String, to percent: Int?) async throws {
        let period = 100_000
        let quota = percent.map { "\(period * $0 / 100)" } ?? "-1"
        try await self.docker(["update", "--cpu-period", "\(period)", "--cpu-quota", quota, member])
    }

    func fillDisk(of member: String, _ isFull: Bool) async throws { throw self.cannot(.smallDisks) }
    func makeLogsReadOnly(of healer: String, _ isReadOnly: Bool) async throws { throw self.cannot(.smallDisks) }
    private func cannot(_ feature: PlatformFeature) -> SandboxError {
        SandboxError("on \(Self.word) there are no \(feature.rawValue)")
    }

    func apply(_ fault: ProxyOrder, to link: Link) async throws {
        // No container connects to a healer but another healer.
        if Self.healers.contains(link.to) { return }
        let format = "{{.State.Pid}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        func place(_ name: String) async throws -> (pid: Int32, address: String) {
            let words = try await self.docker(["inspect", "-f", format, name]).split(whereSeparator: \.isWhitespace)
            guard words.count == 2, let pid = Int32(words[0]), pid > 0 else {
                throw SandboxError("\(name) does not run: its connections cannot be touched")
            }
            return (pid, String(words[1]))
        }
        let pid = try await place(link.from).pid
        let address = try await place(link.to).address
        let isServer = link.from.hasPrefix("zookeeper-")
        let ports: [UInt16] =
            if link.to.hasPrefix("kafka-") { isServer ? [] : [29092] } else { isServer ? [2888, 3888] : [2181] }
        // A ZooKeeper server never connects to a broker.
        if ports.isEmpty { return }
        let rules = self.rules
        try await blocking { try rules.apply(fault, to: link, from: pid, address: address, ports: ports) }
    }

    func mend(_ link: Link) async throws {
        let rules = self.rules
        try await blocking { rules.mend(link) }
    }

    /// Through the filter, where a healer's requests go.
    func actAsRogue(_ origin: RequestOrigin) async throws {
        let volume = ["volume", "inspect", "-f", "{{.Mountpoint}}", "kafka-healer_docker-filter"]
        let folder = try await self.docker(volume).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let address = EngineAddress("unix://\(folder)/docker.sock") else {
            throw SandboxError("the filter's socket cannot be reached: \(folder)")
        }
        var said = StepOrigin()
        said[.healer] = origin.healer
        said[.epoch] = origin.epoch.map { "\($0)" }
        said[.intent] = origin.intent
        let filter = Engine(address, tls: nil, origin: said, client: self.client)
        _ = try await filter.start(self.reference("kafka-1"), within: Self.patience)
    }

    // MARK: The witnesses

    func isRunning(_ member: String) async throws -> Bool {
        try await self.engine.inspect(self.reference(member), within: Self.patience).isRunning
    }

    /// Published to this host's own address.
    private func port(of member: String) -> UInt16 {
        let number = member.split(separator: "-").last.flatMap { UInt16($0) } ?? 0
        return switch member.prefix(while: { $0 != "-" }) {
        case "zookeeper": 2180 + number
        case "kafka": 9091 + number
        default: 8080 + number
        }
    }

    func serves(_ node: String) async -> Bool {
        let port = self.port(of: node)
        let isBroker = node.hasPrefix("kafka-")
        return
            (try? await blocking { isBroker ? KafkaWire.answers(port: port) : FourLetterWord.mode(port: port) != nil })
            ?? false
    }

    func requests() async throws -> [NodeRequest] {
        let offset = HostClock.now.nanoseconds - HostClock.wall.rawValue * 1_000_000
        return FilterLog.requests(in: try await self.docker(["logs", "-t", Self.filter]), offset: offset)
    }

    func ends() async throws -> [NodeEnd] { FilterLog.ends(in: try await self.docker(["logs", "-t", Self.filter])) }

    func transactionLogs() async throws -> [String: [[UInt8]]] {
        var logs: [String: [[UInt8]]] = [:]
        // One after the other: each server keeps 64 MB for its next transactions.
        for name in self.cast.filter({ $0.part == .zooKeeper }).map(\.name) {
            logs[name] = try await self.copies.read("/var/lib/kafka/zookeeper/version-2", of: [name]) {
                TransactionLog.files(in: "\($0)/\(name)")
            }
        }
        return logs
    }

    func metadata(avoiding: Set<String>) async -> KafkaWire.Metadata? {
        let ports = self.cast.filter { $0.name.hasPrefix("kafka-") && !avoiding.contains($0.name) }
            .map { self.port(of: $0.name) }
        return try? await blocking {
            for port in ports {
                if let metadata = try? KafkaWire(port: port, limit: .seconds(1)).metadata() { return metadata }
            }
            return nil
        }
    }

    func ask(_ word: String, of zookeeper: String) async -> String? {
        let port = self.port(of: zookeeper)
        return try? await blocking { try FourLetterWord.ask(word, port: port, limit: .seconds(1)) }
    }

    func page(_ path: String, of healer: String, at address: String) async -> String? {
        let port = self.port(of: healer)
        return try? await blocking {
            let connection = try LoopbackConnection(port: port, limit: .seconds(2))
            try connection.send(Array("GET \(path) HTTP/1.0\r\nHost: \(address)\r\n\r\n".utf8))
            return String(decoding: try connection.receiveAll(), as: UTF8.self)
        }
    }

    func auditTrails() async throws -> [String: String] {
        try await self.withHealerLogs { folder in
            Self.healers.reduce(into: [:]) { trails, healer in
                let names = ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(healer)")) ?? [])
                    .filter { $0.hasPrefix("audit.log") }
                trails[healer] = names.sorted().reversed().compactMap { ProcFile.text("\(folder)/\(healer)/\($0)") }
                    .joined()
            }
        }
    }

    func publicTexts() async throws -> [(name: String, text: String)] {
        var texts = try await self.withHealerLogs { folder in
            var texts: [(String, String)] = []
            let files = FileManager.default.enumerator(atPath: folder)
            while let name = files?.nextObject() as? String {
                if let text = ProcFile.text("\(folder)/\(name)") { texts.append((name, text)) }
            }
            return texts
        }
        for name in Self.healers + [Self.filter] {
            texts.append(("the output of \(name)", try await self.docker(["logs", name])))
            // Of one that does not run there are none.
            if let lines = try? await self.docker(["top", name, "-eo", "pid,args"]) {
                texts.append(("the command lines of \(name)", lines))
            }
        }
        return texts
    }

    /// - Parameter body: gets a folder with a folder for each healer, as it has written until now.
    private func withHealerLogs<Value>(_ body: (_ folder: String) throws -> Value) async throws -> Value {
        try await self.copies.read("/var/log/kafka-healer", of: Self.healers, body)
    }

    // MARK: Programs

    private var copies: ContainerCopies {
        ContainerCopies(directory: self.directory) { _ = try await self.docker($0) }
    }

    @discardableResult
    private func docker(_ arguments: [String]) async throws -> String {
        let address = "\(self.address)"
        return try await blocking { try Tool.output("docker", ["-H", address] + arguments) }
    }

    private func compose(_ arguments: [String]) async throws {
        let program = try OwnProgram.above("scripts/compose")
        let environment = ["DOCKER_HOST": "\(self.address)"]
        _ = try await blocking { try Tool.output(program, arguments, environment: environment) }
    }
}
