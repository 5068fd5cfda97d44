import Cluster
import Healer

/// What is looked at on a node before it is changed, each part within the same bound.
struct EvidenceCollection: Sendable {
    let node: Node
    let supervisor: any Supervisor

    /// Bytes kept of one part.
    static let cap = 24 * 1024

    func collect(_ request: EvidenceRequest) async -> Evidence {
        await withTaskGroup(of: Part.self) { group in
            group.addTask { .exit(try? await self.supervisor.status(of: self.node).exit) }
            for (verb, name) in [(SupervisorVerb.logs, "log")] + (request.threadDump ? [(.dump, "threads")] : [])
            where self.supervisor.knows(verb) {
                group.addTask { await self.output(of: verb, name, request) }
            }
            group.addTask {
                try? await Task.sleep(for: request.limit)
                return .outOfTime
            }
            var wanted = 2 + (request.threadDump ? 1 : 0)
            if !self.supervisor.knows(.logs) { wanted -= 1 }
            if request.threadDump, !self.supervisor.knows(.dump) { wanted -= 1 }
            var evidence = Evidence()
            while wanted > 0, let part = await group.next() {
                switch part {
                case .exit(let exit): evidence.exit = exit
                case .text(let text): evidence.parts.append(text)
                case .outOfTime: evidence.isPartial = true
                }
                if evidence.isPartial { break }
                wanted -= 1
            }
            group.cancelAll()
            evidence.parts.sort { $0.name < $1.name }
            return evidence
        }
    }

    private enum Part: Sendable {
        case exit(ExitStatus?)
        case text(Evidence.Part)
        case outOfTime
    }

    private func output(of verb: SupervisorVerb, _ name: String, _ request: EvidenceRequest) async -> Part {
        let environment = ["HEALER_NODE": self.node.name.rawValue]
        do throws(SupervisorFailure) {
            var command = try self.supervisor.command(
                verb, self.node, identity: request.identity, environment: environment)
            command.cap = Self.cap
            command.limit = min(command.limit, request.limit)
            let result = await command.run()
            return .text(
                .init(name: name, text: result.succeeded ? result.output.text : "\(verb.rawValue) \(result.summary)"))
        } catch {
            return .text(.init(name: name, text: error.reason))
        }
    }
}
