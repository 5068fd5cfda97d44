import Curl
import Docker
import FoundationEssentials
import MicroHTTPD

/// Stands between healers and the socket of a Docker engine, which is as good as root on its host.
///
/// A request is read into a value, judged, and written anew; the engine never sees a byte of what came in. A container is
/// looked up first, and what follows goes to the id that the engine has found under a listed name.
struct Filter: Sendable {
    let rules: FilterRules
    let engine: Engine
    /// One line for each request but pings and looks: what was asked, what became of it and how long that took, and who
    /// asked by their own word.
    let say: @Sendable (String) -> Void

    /// How long the engine may take for an answer, beyond the time that a container is given to end.
    static let patience = Duration.seconds(60)

    func answer(_ question: HTTPRequest) async -> HTTPResponse {
        let query = question.query.map { "\($0.name)=\($0.value.prefix(100))" }.joined(separator: "&")
        let asked = "\(question.method) \(question.path.prefix(200))\(query.isEmpty ? "" : "?\(query.prefix(200))")"
        guard question.method == "GET" || question.method == "POST", question.body.isEmpty,
            let request = EngineRequest(
                isPost: question.method == "POST", path: question.path,
                query: question.query.map { ($0.name, $0.value) })
        else { return self.refuse(asked, "not a request that this filter knows") }
        if let reason = self.rules.refusal(of: request) { return self.refuse(asked, reason) }
        do {
            guard let reference = request.container else {
                return HTTPResponse(try await self.engine.send(request, within: Self.patience))
            }
            let container = try await self.engine.inspect(reference, within: Self.patience)
            if let reason = self.rules.refusal(of: container) { return self.refuse(asked, reason) }
            if case .inspect = request {
                return HTTPResponse(status: 200, headers: [.json], body: [UInt8](try JSONEncoder().encode(container)))
            }
            guard let id = ContainerReference(container.id) else { return self.refuse(asked, "its id is none") }
            let begin = ContinuousClock.now
            let answer = try await self.engine.send(request.about(id), within: Self.patience + request.ownTime)
            if request.isPost {
                let took = (ContinuousClock.now - begin) / .milliseconds(1)
                let origin = StepOrigin(reading: question.header(StepOrigin.header) ?? "").text
                self.say(
                    "passed on: \(asked) (\(container.name)), answered \(answer.status) after \(Int(took)) ms"
                        + (origin.isEmpty ? "" : ", for \(origin)"))
            }
            return HTTPResponse(answer)
        } catch let error as EngineError {
            return self.failure(asked, error)
        } catch {
            return self.complaint(500, "\(error)")
        }
    }

    private func refuse(_ asked: String, _ reason: String) -> HTTPResponse {
        self.say("refused: \(asked): \(reason)")
        return self.complaint(403, "refused by the filter before the Docker engine: \(reason)")
    }

    private func failure(_ asked: String, _ error: EngineError) -> HTTPResponse {
        self.say("failed: \(asked): \(error)")
        let status =
            switch error.reason {
            case .noSuchContainer: 404
            case .conflict: 409
            case .forbidden: 403
            case .status(let status) where 400...599 ~= status: status
            case .noAnswer, .nonsense, .status: 502
            }
        return self.complaint(status, error.detail)
    }

    private func complaint(_ status: Int, _ message: String) -> HTTPResponse {
        // Encoding one text cannot fail.
        HTTPResponse(status: status, headers: [.json], body: [UInt8](try! JSONEncoder().encode(["message": message])))
    }
}

extension EngineRequest {
    /// How long it may take by itself.
    fileprivate var ownTime: Duration {
        switch self {
        case .stop(_, let seconds), .restart(_, let seconds): .seconds(seconds)
        default: .zero
        }
    }
}

extension HTTPRequest.Field {
    fileprivate static let json = HTTPRequest.Field("Content-Type", "application/json")
}

extension HTTPResponse {
    /// The engine's answer, without its headers.
    fileprivate init(_ answer: HTTPAnswer) {
        // libmicrohttpd sends no interim answers.
        self.init(status: 200...599 ~= answer.status ? answer.status : 502, body: answer.body)
    }
}
