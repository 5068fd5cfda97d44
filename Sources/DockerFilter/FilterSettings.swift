import Docker

/// The command line of `healer-docker-filter`.
enum FilterSettings: Hashable, Sendable {
    case serve(listen: EngineAddress, engine: EngineAddress, FilterRules)
    /// Asks a filter that runs whether it and its engine answer.
    case check(EngineAddress)
    case help

    static let usage = """
        usage: healer-docker-filter --container NAME… [--verb VERB…] [--listen ADDRESS] [--engine ADDRESS]
               healer-docker-filter --check [--listen ADDRESS]

        Lets through to a Docker engine what healers ask of it, on the containers that are listed, and nothing else.

          --container NAME   a container that may be asked about and told; as often as needed
          --verb VERB        inspect, logs, start, stop, kill or restart; as often as needed (inspect, logs, start, kill)
          --listen ADDRESS   unix:///PATH or tcp://HOST:PORT (unix:///run/healer/docker.sock)
          --engine ADDRESS   the engine (unix:///var/run/docker.sock)
          --check            ask the filter at --listen whether it and its engine answer; exit 0 or 1

        Whoever reaches the address of --listen may do what is listed: a socket gets the mode 0660.

        """

    struct Problem: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    /// - Parameter arguments: without the program's name.
    init(_ arguments: [String]) throws(Problem) {
        var rules = FilterRules(containers: [], verbs: [])
        var (listen, engine) = (EngineAddress.unix(path: "/run/healer/docker.sock"), EngineAddress.standard)
        var isCheck = false
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let option = word.hasPrefix("--") && parts.count == 2 ? parts[0] : word
            func value() throws(Problem) -> String {
                if option != word { return parts[1] }
                guard let next = rest.popFirst() else { throw Problem(description: "`\(option)` needs a value") }
                return next
            }
            func address() throws(Problem) -> EngineAddress {
                let text = try value()
                guard let address = EngineAddress(text) else {
                    throw Problem(description: "`\(text)` is no address; write unix:///PATH or tcp://HOST:PORT")
                }
                return address
            }
            switch option {
            case "--help", "-h":
                self = .help
                return
            case "--check" where option == word: isCheck = true
            case "--listen": listen = try address()
            case "--engine": engine = try address()
            case "--container":
                let text = try value()
                guard let container = ContainerReference(text) else {
                    throw Problem(description: "`\(text)` is no name of a container")
                }
                rules.containers.insert(container)
            case "--verb":
                let text = try value()
                guard let verb = EngineRequest.Verb(rawValue: text) else {
                    let known = EngineRequest.Verb.allCases.map(\.rawValue).joined(separator: ", ")
                    throw Problem(description: "`\(text)` is no verb; known are \(known)")
                }
                rules.verbs.insert(verb)
            default: throw Problem(description: "`\(option)` is not an option")
            }
        }
        if isCheck {
            self = .check(listen)
            return
        }
        guard !rules.containers.isEmpty else { throw Problem(description: "no `--container` is listed") }
        if rules.verbs.isEmpty { rules.verbs = [.inspect, .logs, .start, .kill] }
        self = .serve(listen: listen, engine: engine, rules)
    }
}
