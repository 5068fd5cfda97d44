import Admin
import Cluster
import FoundationEssentials
import Glibc
import ZooKeeper

/// One call of `healerctl`.
struct Program: Sendable {
    let environment: [String: String]
    let colours: Bool

    struct Outcome: Hashable, Sendable {
        var code: ExitCode
        var output = ""
        var errors = ""
    }

    /// - Parameter arguments: without the program's name.
    func run(_ arguments: [String]) async -> Outcome {
        let request: AdminRequest
        do throws(UsageError) {
            request = try AdminRequest(arguments: arguments, environment: self.environment)
        } catch {
            return Outcome(code: .usage, errors: "healerctl: \(error.error)\n  \(error.hint)\n")
        }
        switch request {
        case .help(let text): return Outcome(code: .healthy, output: text)
        case .perform(let invocation):
            do throws(ToolFailure) {
                let (page, note) = try await self.page(invocation)
                return Outcome(
                    code: page.isHealthy ? .healthy : .unhealthy,
                    output: page.text(invocation.format, colours: self.colours), errors: note)
            } catch {
                return Outcome(code: .error, errors: "healerctl: \(error.error)\n  \(error.hint)\n")
            }
        }
    }

    /// The page, and what is to be said beside it.
    private func page(_ invocation: AdminInvocation) async throws(ToolFailure) -> (any ShownPage, note: String) {
        let direct = DirectQuestions(invocation)
        guard let servers = invocation.zooKeeper else { return (try await direct.page(invocation.command), "") }
        do throws(ToolFailure) {
            return (try await self.page(invocation, at: servers), "")
        } catch {
            guard error.isSilence, !invocation.healers.isEmpty else { throw error }
            let note = "healerctl: \(error.error); a healer is asked instead\n"
            do throws(ToolFailure) { return (try await direct.page(invocation.command), note) } catch let second {
                throw ToolFailure("\(error.error); \(second.error)", hint: second.hint)
            }
        }
    }

    private func page(
        _ invocation: AdminInvocation, at servers: String
    ) async throws(ToolFailure) -> any ShownPage {
        let access = try EnsembleAccess(self.environment)
        return try await CoordinationTree.with(servers, invocation, access: access) {
            tree throws(ToolFailure) in
            switch invocation.command {
            case .pause(_, _, everywhere: true), .resume(everywhere: true):
                return try await ControlCommands(tree, by: self.operatorName).everywhere(invocation.command)
            default:
                let layout = try await tree.layout(of: invocation.cluster)
                return try await self.page(invocation, layout, tree)
            }
        }
    }

    private func page(
        _ invocation: AdminInvocation, _ layout: Layout, _ tree: CoordinationTree
    ) async throws(ToolFailure) -> any ShownPage {
        let control = ControlCommands(tree, by: self.operatorName)
        switch invocation.command {
        case .pause(let why, let lasting, _): return try await control.pause(layout, why: why, lasting: lasting)
        case .resume: return try await control.resume(layout)
        case .beginMaintenance(let node, let why, let lasting):
            return try await control.beginMaintenance(node, layout, why: why, lasting: lasting)
        case .endMaintenance(let node): return try await control.endMaintenance(node, layout)
        case .resign: return try await control.resign(layout)
        case .transfer(let member): return try await control.transfer(layout, to: member)
        default: break
        }
        let snapshot = try await ClusterSnapshot(layout, in: tree)
        let healers = HealerAPI(addresses: snapshot.addresses, cluster: layout.cluster, timeout: invocation.timeout)
        switch invocation.command {
        case .leader: return snapshot.leaderPage
        case .members: return snapshot.membersPage
        case .nodes: return await Self.answer(healers, NodesPage.self, "nodes") ?? snapshot.nodesPage
        case .incidents: return await Self.answer(healers, IncidentsPage.self, "incidents") ?? snapshot.incidentsPage
        case .partitions: return try await healers.page(PartitionsPage.self, "partitions")
        case .check(let node):
            return try await healers.page(CheckPage.self, "check", query: [("node", node.rawValue)])
        case .explain(let id): return try await self.explain(id, snapshot, healers)
        default: return await Self.status(snapshot, healers)
        }
    }

    /// What stands in ZooKeeper, and what a healer adds if one answers soon.
    private static func status(_ snapshot: ClusterSnapshot, _ healers: HealerAPI) async -> StatusPage {
        let quick = HealerAPI(
            addresses: Array(healers.addresses.prefix(Self.askedForStatus)), cluster: healers.cluster,
            timeout: min(healers.timeout, Self.statusPatience))
        guard let page = await Self.answer(quick, StatusPage.self, "status") else { return snapshot.statusPage }
        return snapshot.statusPage(with: page)
    }

    /// Status is for the hour in which healers hang: it waits for two of them at most, and not long.
    private static let askedForStatus = 2
    private static let statusPatience = Duration.seconds(1)

    /// `nil` if no healer answers: then what stands in ZooKeeper is shown.
    private static func answer<Page: Decodable & Sendable>(
        _ healers: HealerAPI, _ type: Page.Type, _ path: String
    ) async -> Page? {
        try? await healers.page(type, path)
    }

    /// From whoever remembers it; an open incident stands in ZooKeeper too.
    private func explain(
        _ id: String, _ snapshot: ClusterSnapshot, _ healers: HealerAPI
    ) async throws(ToolFailure) -> IncidentPage {
        do throws(ToolFailure) {
            return try await healers.page(IncidentPage.self, "incidents/\(HealerAPI.escaped(id))", everybody: true)
        } catch {
            if let record = snapshot.incidents.first(where: { $0.id?.description == id }) {
                return IncidentPage(record)
            }
            throw ToolFailure(
                "no incident \(id) is remembered", hint: "`healerctl incidents` lists those that are.")
        }
    }

    /// Who asks: stands in `control` for everybody to see.
    private var operatorName: String {
        let user = self.environment["SUDO_USER"] ?? self.environment["USER"] ?? "uid \(getuid())"
        return "\(user)@\(ProcessInfo.processInfo.hostName)"
    }
}
