/// What an engine says of a container, as far as a healer reads it. Under the engine's own names, so that the filter can
/// pass on these fields alone: the whole answer holds the environment, and with it passwords.
public struct Container: Hashable, Sendable, Codable {
    public struct State: Hashable, Sendable, Codable {
        public enum Status: String, Hashable, Sendable, Codable {
            case created, running, paused, restarting, removing, exited, dead
        }
        public var status: Status
        public var exitCode: Int32
        public var isOutOfMemory: Bool
        /// Why it could not be started; empty if it could.
        public var error: String
        /// As the engine writes it; the year 1 if it never ran.
        public var startedAt: String
        public var finishedAt: String

        private enum CodingKeys: String, CodingKey {
            case status = "Status"
            case exitCode = "ExitCode"
            case isOutOfMemory = "OOMKilled"
            case error = "Error"
            case startedAt = "StartedAt"
            case finishedAt = "FinishedAt"
        }
    }
    public struct HostConfiguration: Hashable, Sendable, Codable {
        public struct RestartPolicy: Hashable, Sendable, Codable {
            /// `no`, `always`, `unless-stopped`, `on-failure`; empty means `no`.
            public var name: String
            private enum CodingKeys: String, CodingKey { case name = "Name" }
        }
        public var restartPolicy: RestartPolicy
        private enum CodingKeys: String, CodingKey { case restartPolicy = "RestartPolicy" }
    }
    public struct Settings: Hashable, Sendable, Codable {
        /// `nil` means SIGTERM.
        public var stopSignal: String?
        private enum CodingKeys: String, CodingKey { case stopSignal = "StopSignal" }
    }

    /// 64 hexadecimal digits.
    public var id: String
    /// With a slash before it.
    public var slashedName: String
    public var state: State
    public var host: HostConfiguration
    public var settings: Settings

    private enum CodingKeys: String, CodingKey {
        case id = "Id"
        case slashedName = "Name"
        case state = "State"
        case host = "HostConfig"
        case settings = "Config"
    }

    public var name: String { String(self.slashedName.drop { $0 == "/" }) }
    /// A paused one counts: it is frozen, not gone.
    public var isRunning: Bool { self.state.status == .running || self.state.status == .paused }
    /// When its present or last life began; `nil` if it never ran.
    public var startedAt: EngineTime? { EngineTime(self.state.startedAt) }
    /// Which life is meant: the container and its start, since both may change under one name. `nil` if it never ran.
    public var life: String? { self.startedAt == nil ? nil : "\(self.id)@\(self.state.startedAt)" }
    /// The number of the signal that asks it to end.
    public var stopSignal: Int32 {
        guard let text = self.settings.stopSignal?.uppercased(), !text.isEmpty else { return 15 }
        let names: [String: Int32] = [
            "HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "WINCH": 28,
        ]
        return Int32(text) ?? names[text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text] ?? 15
    }
}

/// Somebody asked the engine to end a container, or it has ended one.
public struct Ending: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// This signal was sent.
        case signal(Int32)
        /// A stop is complete: the process has ended.
        case stopped
    }
    public var kind: Kind
    public var at: EngineTime
    public init(_ kind: Kind, at: EngineTime) {
        self.kind = kind
        self.at = at
    }
}
