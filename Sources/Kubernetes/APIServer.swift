import Curl
import FoundationEssentials

/// A Kubernetes API server, asked over HTTPS as a service account. Each call is one request; nothing is tried again.
public struct APIServer: Sendable {
    /// `https://HOST:PORT`, without a slash at its end.
    public let url: String
    public let account: ServiceAccount
    private let client: HTTPClient

    /// The largest answer that is taken, in bytes.
    private static let largestAnswer = 4 << 20

    /// - Parameter client: whoever made it closes it.
    public init(_ url: String, as account: ServiceAccount, client: HTTPClient) {
        self.url = url
        self.account = account
        self.client = client
    }

    /// Where a pod's own cluster is reached, by the variables that the kubelet gives every container; `nil` elsewhere.
    public static func ofOwnCluster(_ environment: [String: String]) -> String? {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty else { return nil }
        let port = environment["KUBERNETES_SERVICE_PORT"].flatMap { UInt16($0) } ?? 443
        return "https://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    public func pod(
        _ name: ObjectName, in namespace: ObjectName, within limit: Duration
    ) async throws(APIFailure) -> Pod { try await self.read(.pod(name, namespace: namespace), within: limit) }

    public func statefulSet(
        _ name: ObjectName, in namespace: ObjectName, within limit: Duration
    ) async throws(APIFailure) -> StatefulSet {
        try await self.read(.statefulSet(name, namespace: namespace), within: limit)
    }

    public func node(_ name: ObjectName, within limit: Duration) async throws(APIFailure) -> ClusterNode {
        try await self.read(.node(name), within: limit)
    }

    /// - Parameter previous: of the container before the present one.
    public func logs(
        of pod: ObjectName, in namespace: ObjectName, container: ObjectName?, previous: Bool, lines: Int,
        within limit: Duration
    ) async throws(APIFailure) -> String {
        let request = APIRequest.logs(
            pod, namespace: namespace, container: container, previous: previous, lines: lines)
        return String(decoding: try await self.good(request, within: limit).body, as: UTF8.self)
    }

    /// The answer comes when the deletion is put down, not when the pod is gone.
    /// - Parameter graceSeconds: what its containers are given to end in order, at least 1; `nil` takes the pod's own. (With
    ///   0 the object goes at once, whatever its node does: two lives could then overlap.)
    public func evict(
        _ pod: APIRequest.PodVersion, in namespace: ObjectName, graceSeconds: Int?, within limit: Duration
    ) async throws(APIFailure) {
        precondition(graceSeconds ?? 1 >= 1)
        _ = try await self.good(.evict(pod, namespace: namespace, graceSeconds: graceSeconds), within: limit)
    }

    /// - Parameter at: any text that was not there before, such as the time.
    public func restartRollout(
        _ set: ObjectName, in namespace: ObjectName, at time: String, within limit: Duration
    ) async throws(APIFailure) {
        _ = try await self.good(.restartRollout(set, namespace: namespace, at: time), within: limit)
    }

    private func read<Value: Decodable>(
        _ request: APIRequest, within limit: Duration
    ) async throws(APIFailure) -> Value {
        let answer = try await self.good(request, within: limit)
        guard let value = try? JSONDecoder().decode(Value.self, from: Data(answer.body)) else {
            throw APIFailure(.nonsense, "the API server at \(self.url) describes \(request.target) in a way of its own")
        }
        return value
    }

    private func good(_ request: APIRequest, within limit: Duration) async throws(APIFailure) -> HTTPAnswer {
        let token = try self.account.token()
        var headers = [HTTPCall.Field("Authorization", "Bearer \(token)")]
        var method = HTTPCall.Method.get
        switch request {
        case .pod, .statefulSet, .node, .logs: break
        case .evict:
            method = .post
            headers.append(.init("Content-Type", "application/json"))
        case .restartRollout:
            method = .patch
            headers.append(.init("Content-Type", "application/strategic-merge-patch+json"))
        }
        let call = HTTPCall(
            method, self.url + request.target, headers: headers, body: request.body ?? [],
            tls: HTTPCall.TLS(authorities: self.account.authorityFile))
        let answer: HTTPAnswer
        do {
            answer = try await self.client.send(call, timeout: limit, limit: Self.largestAnswer)
        } catch {
            throw self.failure(error)
        }
        if 200..<300 ~= answer.status { return answer }
        let said = try? JSONDecoder().decode(Complaint.self, from: Data(answer.body))
        let reason = Self.reason(answer, said)
        // Which budget it is only the cause says.
        let cause = reason == .budget ? said?.details?.causes?.first { $0.reason == Self.budgetCause }?.message : nil
        throw APIFailure(
            reason,
            cause ?? said?.message ?? "the API server at \(self.url) answers with status \(answer.status)")
    }

    private func failure(_ error: CurlError) -> APIFailure {
        let authority = self.account.authorityFile ?? "the system's list of authorities"
        switch error.code {
        case .untrusted:
            return APIFailure(
                .untrusted, "the API server at \(self.url) is not vouched for by \(authority): \(error.detail)")
        case .badAuthorities:
            return APIFailure(.untrusted, "\(authority) cannot be used to know the API server by: \(error.detail)")
        case .cannotConnect, .unknownHost:
            return APIFailure(
                .noAnswer(mayHaveArrived: false), "the API server at \(self.url): \(error.detail)")
        default:
            return APIFailure(.noAnswer(mayHaveArrived: true), "the API server at \(self.url): \(error.detail)")
        }
    }

    private static let budgetCause = "DisruptionBudget"

    private static func reason(_ answer: HTTPAnswer, _ said: Complaint?) -> APIFailure.Reason {
        switch answer.status {
        case 401: return .unauthorized
        case 403: return .forbidden
        case 404: return .notFound
        case 409: return .conflict
        case 410: return .gone
        case 429:
            let causes = said?.details?.causes ?? []
            if causes.contains(where: { $0.reason == Self.budgetCause }) { return .budget }
            let seconds = answer.retryAfter ?? said?.details?.retryAfterSeconds
            return .busy(retryAfter: seconds.map { .seconds($0) })
        default: return .status(answer.status)
        }
    }

    /// A `Status` object.
    private struct Complaint: Decodable {
        struct Details: Decodable {
            struct Cause: Decodable {
                let reason: String?
                let message: String?
            }
            let causes: [Cause]?
            let retryAfterSeconds: Int?
        }
        let message: String?
        let details: Details?
    }
}
