import Curl
import FoundationEssentials
import Glibc

/// A Docker engine, asked over its HTTP interface. Each call is one request; nothing is tried again.
public struct Engine: Sendable {
    public let address: EngineAddress
    /// With it, `tcp` means HTTPS; a Unix socket has none.
    public let tls: HTTPCall.TLS?
    /// Goes with every request, for whoever stands before the engine and writes down what is asked of it. The engine
    /// itself pays no heed.
    public let origin: StepOrigin?
    private let client: HTTPClient

    /// The largest answer that is taken, in bytes.
    private static let largestAnswer = 4 << 20

    /// - Parameter client: whoever made it closes it.
    public init(_ address: EngineAddress, tls: HTTPCall.TLS?, origin: StepOrigin? = nil, client: HTTPClient) {
        self.address = address
        self.tls = tls
        self.origin = origin
        self.client = client
    }

    /// As it came, whatever its status.
    public func send(_ request: EngineRequest, within limit: Duration) async throws(EngineError) -> HTTPAnswer {
        var call: HTTPCall
        switch self.address {
        case .unix(let path):
            call = HTTPCall(request.isPost ? .post : .get, "http://engine\(request.target)", unixSocket: path)
        case .tcp(let host, let port):
            let scheme = self.tls == nil ? "http" : "https"
            call = HTTPCall(
                request.isPost ? .post : .get, "\(scheme)://\(host):\(port)\(request.target)", tls: self.tls)
        }
        if let origin { call.headers = [HTTPCall.Field(StepOrigin.header, origin.text)] }
        do {
            return try await self.client.send(call, timeout: limit, limit: Self.largestAnswer)
        } catch {
            let isCertain = error.code == .cannotConnect || error.code == .unknownHost
            let way = "the Docker engine at \(self.address)"
            throw EngineError(.noAnswer(mayHaveArrived: !isCertain), "\(way): \(error.detail)")
        }
    }

    /// The engine's clock, in whole seconds; `nil` if it does not tell.
    public func time(within limit: Duration) async throws(EngineError) -> EngineTime? {
        try await self.good(.ping, within: limit).date.map { EngineTime(seconds: $0) }
    }

    public func inspect(_ container: ContainerReference, within limit: Duration) async throws(EngineError) -> Container
    {
        let answer = try await self.good(.inspect(container), within: limit)
        guard let read = try? JSONDecoder().decode(Container.self, from: Data(answer.body)) else {
            throw EngineError(
                .nonsense, "the Docker engine at \(self.address) describes \(container) in a way of its own")
        }
        return read
    }

    /// The last lines that it wrote, both outputs in their order.
    public func logs(
        of container: ContainerReference, lines: Int, since: EngineTime? = nil, within limit: Duration
    ) async throws(EngineError) -> String {
        LogFrames.text(of: try await self.good(.logs(container, lines: lines, since: since), within: limit).body)
    }

    /// Oldest first. The answer comes when the engine's clock has passed `until`. What is older than the engine's last 256 events, or than its own start, is not known any more.
    public func endings(
        of container: ContainerReference, since: EngineTime, until: EngineTime, within limit: Duration
    ) async throws(EngineError) -> [Ending] {
        let answer = try await self.good(.endings(container, since: since, until: until), within: limit)
        return answer.body.split(separator: UInt8(ascii: "\n")).compactMap { line in
            (try? JSONDecoder().decode(Event.self, from: Data(line)))?.ending
        }
    }

    /// - Returns: whether this began it; false if it runs already.
    public func start(_ container: ContainerReference, within limit: Duration) async throws(EngineError) -> Bool {
        try await self.good(.start(container), within: limit).status != 304
    }

    /// Returns when it has ended.
    public func stop(
        _ container: ContainerReference, seconds: Int, within limit: Duration
    ) async throws(EngineError) {
        _ = try await self.good(.stop(container, seconds: seconds), within: limit)
    }

    /// With ``EngineRequest/KillSignal/kill`` it returns when it has ended.
    public func kill(
        _ container: ContainerReference, _ signal: EngineRequest.KillSignal, within limit: Duration
    ) async throws(EngineError) {
        _ = try await self.good(.kill(container, signal), within: limit)
    }

    /// Returns when it runs again.
    public func restart(
        _ container: ContainerReference, seconds: Int, within limit: Duration
    ) async throws(EngineError) {
        _ = try await self.good(.restart(container, seconds: seconds), within: limit)
    }

    private func good(_ request: EngineRequest, within limit: Duration) async throws(EngineError) -> HTTPAnswer {
        let answer = try await self.send(request, within: limit)
        let reason: EngineError.Reason
        switch answer.status {
        case 200..<300, 304: return answer
        case 401, 403: reason = .forbidden
        case 404: reason = .noSuchContainer
        case 409: reason = .conflict
        default: reason = .status(answer.status)
        }
        let said = (try? JSONDecoder().decode(Complaint.self, from: Data(answer.body)))?.message
        throw EngineError(reason, said ?? "the Docker engine at \(self.address) answers with status \(answer.status)")
    }

    private struct Complaint: Decodable {
        let message: String
    }

    private struct Event: Decodable {
        struct Actor: Decodable {
            let attributes: [String: String]
            enum CodingKeys: String, CodingKey { case attributes = "Attributes" }
        }
        let action: String
        let actor: Actor
        let timeNano: Int64
        enum CodingKeys: String, CodingKey {
            case action = "Action"
            case actor = "Actor"
            case timeNano
        }

        var ending: Ending? {
            let at = EngineTime(seconds: self.timeNano / 1_000_000_000, nanoseconds: self.timeNano % 1_000_000_000)
            switch self.action {
            case "stop": return Ending(.stopped, at: at)
            case "kill":
                return self.actor.attributes["signal"].flatMap { Int32($0) }.map { Ending(.signal($0), at: at) }
            default: return nil
            }
        }
    }
}
