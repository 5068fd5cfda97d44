import Foundation

/// How a node's process is run: the configuration in its folder, and the command line.
extension Sandbox {
    /// The environment of every process of this sandbox; nothing else of ours reaches them.
    var environment: [String: String] {
        let own = ProcessInfo.processInfo.environment
        var environment = ["HEALER_SANDBOX_ID": self.id, "HEALER_SANDBOX": self.directory, "LANG": "C.UTF-8"]
        for name in ["PATH", "HOME", "JAVA_HOME"] { environment[name] = own[name] }
        return environment
    }

    /// `java` for this node: small heap, serial collector, first compiler only, nothing outside its folder.
    func program(of node: SandboxNode) -> Spawn {
        let heap = node.role == .broker ? ["-Xms256m", "-Xmx256m"] : ["-Xms96m", "-Xmx96m"]
        let machine =
            heap + (self.description.archive?.flags(for: node.role) ?? []) + [
                "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData",
                "-XX:ErrorFile=\(node.folder)/jvm-error.log", "-Djava.io.tmpdir=\(node.folder)/tmp",
                "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
                "-Dlog4j.configuration=file:\(node.folder)/log4j.properties",
                "-Dzookeeper.admin.enableServer=false",
            ]
        let main =
            switch node.role {
            case .broker: ["kafka.Kafka", "\(node.folder)/server.properties"]
            case .zookeeper:
                ["org.apache.zookeeper.server.quorum.QuorumPeerMain", "\(node.folder)/zookeeper.properties"]
            }
        return Spawn(
            program: self.description.java, arguments: machine + ["-cp", "\(self.description.jars)/*"] + main,
            environment: self.environment, folder: node.folder, console: node.console)
    }

    /// The keeper of this node. `answer` is the descriptor on which it says whether the node was launched.
    func keeper(of node: SandboxNode, answer: Int32, detached: Bool = false) throws -> Spawn {
        Spawn(
            program: try OwnProgram.path,
            arguments: ["keeper", "--directory", self.directory, "--node", node.name]
                + (detached ? ["--detached"] : []),
            environment: self.environment, folder: node.folder, console: "\(node.folder)/keeper.log", third: answer)
    }

    /// Starts a keeper and waits until it has launched the node.
    /// - Throws: ``SandboxError`` with what the keeper says.
    func launchKeeper(of node: SandboxNode) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SandboxError.system("cannot make a pipe") }
        defer { close(ends[0]) }
        let pid: Int32
        do {
            defer { close(ends[1]) }
            pid = try self.keeper(of: node, answer: ends[1]).start()
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) != pid, errno == EINTR {}
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        var waiting = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        while Glibc.poll(&waiting, 1, 60_000) == 1 {
            let count = read(ends[0], &buffer, buffer.count)
            if count <= 0 { break }
            text += buffer[..<count]
            if text.last == UInt8(ascii: "\n") { break }
        }
        // One empty line says that it runs; an end without a line, that the keeper died.
        let answer = String(decoding: text, as: UTF8.self)
        guard answer == "\n" else {
            let reason = answer.trimmingCharacters(in: .whitespacesAndNewlines)
            throw SandboxError(
                "\(node.name): its keeper did not launch it: \(reason.isEmpty ? "see \(node.folder)/keeper.log" : reason)"
            )
        }
    }

    /// Writes the node's folder: configuration and empty data.
    func prepare(_ node: SandboxNode) throws {
        for folder in ["data", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: "\(node.folder)/\(folder)", withIntermediateDirectories: true)
        }
        try AtomicFile.write(Data(self.logging(of: node).utf8), to: "\(node.folder)/log4j.properties")
        switch node.role {
        case .broker:
            try AtomicFile.write(Data(self.brokerProperties(node).utf8), to: "\(node.folder)/server.properties")
        case .zookeeper:
            let number = (self.description.zookeepers.firstIndex(of: node) ?? 0) + 1
            try AtomicFile.write(Data("\(number)\n".utf8), to: "\(node.folder)/data/myid")
            try AtomicFile.write(Data(self.zookeeperProperties(node).utf8), to: "\(node.folder)/zookeeper.properties")
        }
    }

    private func zookeeperProperties(_ node: SandboxNode) -> String {
        let servers = self.description.zookeepers.enumerated().map { number, server in
            let route = self.description.peerRoutes?.first { $0.from == node.name && $0.to == server.name }
            return "server.\(number + 1)=\(route?.host ?? server.host):\(server.peerPorts[0]):\(server.peerPorts[1])"
        }
        return """
            dataDir=\(node.folder)/data
            clientPort=\(node.port)
            clientPortAddress=\(node.host)
            tickTime=500
            initLimit=20
            syncLimit=4
            minSessionTimeout=500
            maxSessionTimeout=60000
            maxClientCnxns=0
            admin.enableServer=false
            4lw.commands.whitelist=srvr,mntr,ruok,conf,dump,cons
            preAllocSize=\(self.description.preallocation ?? 4096)
            \(servers.joined(separator: "\n"))

            """
    }

    private func brokerProperties(_ node: SandboxNode) -> String {
        let copies = min(3, self.description.brokers.count)
        let minimum = min(2, self.description.brokers.count)
        return """
            broker.id=\(node.broker ?? 0)
            listeners=PLAINTEXT://\(node.host):\(node.port)
            advertised.listeners=PLAINTEXT://\(node.host):\(node.port)
            log.dirs=\(node.folder)/data
            zookeeper.connect=\(self.description.zookeeper)
            zookeeper.session.timeout.ms=\(self.description.sessionTimeout)
            zookeeper.connection.timeout.ms=10000
            auto.create.topics.enable=false
            default.replication.factor=\(copies)
            min.insync.replicas=\(minimum)
            unclean.leader.election.enable=false
            leader.imbalance.check.interval.seconds=30
            replica.lag.time.max.ms=5000
            replica.fetch.wait.max.ms=200
            replica.socket.timeout.ms=3000
            controller.socket.timeout.ms=3000
            controlled.shutdown.max.retries=1
            controlled.shutdown.retry.backoff.ms=500
            offsets.topic.num.partitions=3
            offsets.topic.replication.factor=\(copies)
            transaction.state.log.num.partitions=3
            transaction.state.log.replication.factor=\(copies)
            transaction.state.log.min.isr=\(minimum)
            group.initial.rebalance.delay.ms=0
            num.network.threads=2
            num.io.threads=2
            background.threads=2
            log.initial.task.delay.ms=100
            log.cleaner.dedupe.buffer.size=2097152
            log.index.size.max.bytes=1048576

            """
    }

    /// One log over all lives of the node, errors at start included; at most 60 MB.
    private func logging(of node: SandboxNode) -> String {
        """
        log4j.rootLogger=INFO, file
        log4j.appender.file=org.apache.log4j.RollingFileAppender
        log4j.appender.file.File=\(node.log)
        log4j.appender.file.MaxFileSize=20MB
        log4j.appender.file.MaxBackupIndex=2
        log4j.appender.file.layout=org.apache.log4j.PatternLayout
        log4j.appender.file.layout.ConversionPattern=%d{yyyy-MM-dd HH:mm:ss,SSS} %p %m (%c)%n

        """
    }
}

/// The executable `healer-chaos`, which every keeper is a copy of.
enum OwnProgram {
    /// This process's own file; in a test, the file beside the test's; `$HEALER_CHAOS` before both.
    static var path: String {
        get throws {
            if let path = ProcessInfo.processInfo.environment["HEALER_CHAOS"], !path.isEmpty {
                return SandboxDirectory.absolute(path)
            }
            let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let url = URL(fileURLWithPath: own)
            if url.lastPathComponent == "healer-chaos" { return own }
            let beside = url.deletingLastPathComponent().appendingPathComponent("healer-chaos").path
            guard access(beside, X_OK) == 0 else {
                throw SandboxError("no healer-chaos beside \(own): build it, or name it in HEALER_CHAOS")
            }
            return beside
        }
    }

    /// Another program that was built together with this one: `healer`, `healerctl`.
    static func beside(_ name: String) throws -> String {
        let path = URL(fileURLWithPath: try self.path).deletingLastPathComponent().appendingPathComponent(name).path
        guard access(path, X_OK) == 0 else { throw SandboxError("no \(name) at \(path): build it with `swift build`") }
        return path
    }

    /// A file of the folder `examples`, which lies above the build folder.
    static func example(_ name: String) throws -> String { try self.above("examples/\(name)") }

    /// A file or folder of the source tree, which lies above the build folder.
    static func above(_ name: String) throws -> String {
        var folder = URL(fileURLWithPath: try self.path)
        while folder.path.count > 1 {
            folder.deleteLastPathComponent()
            let file = folder.appendingPathComponent(name).path
            if access(file, R_OK) == 0 { return file }
        }
        throw SandboxError("no \(name) above \(try self.path)")
    }
}
