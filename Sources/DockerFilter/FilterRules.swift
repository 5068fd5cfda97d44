import Docker

/// What may pass: these verbs, on these containers. Everything else is refused.
struct FilterRules: Hashable, Sendable {
    var containers: Set<ContainerReference>
    var verbs: Set<EngineRequest.Verb>

    /// Why a request is not even asked about; `nil` if it may pass once its container is known to be a listed one.
    func refusal(of request: EngineRequest) -> String? {
        guard let verb = request.verb, let container = request.container else { return nil }
        guard self.verbs.contains(verb) else { return "\(verb.rawValue) is not allowed here" }
        guard self.containers.contains(container) || container.isWholeID else {
            return "the container \(container) is not listed here"
        }
        return nil
    }

    /// Why a container that the engine has found may not be touched; `nil` if it may.
    func refusal(of container: Container) -> String? {
        guard let name = ContainerReference(container.name), self.containers.contains(name) else {
            return "the container \(container.name) is not listed here"
        }
        return nil
    }
}

extension ContainerReference {
    /// Whether it is an id, whole: an engine takes the beginning of one for a name.
    var isWholeID: Bool {
        self.text.utf8.count == 64
            && self.text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
