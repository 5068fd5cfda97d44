import Cluster
import Election
import Foundation
import struct Synchronization.Mutex
import Testing

@testable import Daemon
@testable import ZooKeeper

/// One elector on the real ensemble, and everything that it has said.
final class Contender: Sendable {
    enum Said: Hashable, Sendable {
        /// `nil`: nobody leads.
        case following(HealerID?)
        case leading(Epoch)
        case suspended(Epoch)
        case resumed(Epoch)
        case lost(Epoch, LossReason)
        case connected, disconnected
    }

    let id: HealerID
    let elector: Elector
    let said = Heard<Said>()
    /// What its log says for somebody to look at.
    let alarms = Heard<String>()
    private let opened = Heard<OpenedSession>()
    private let task: Task<Void, Never>

    /// Stands for election from now on, until it has resigned or ``end()``.
    /// - Parameters:
    ///   - servers: `nil` for all of the shared ensemble.
    ///   - wrap: puts something between the elector and each of its sessions.
    init(
        _ name: String, _ layout: Layout, timing: Election.Timing = .patient, servers: String? = nil,
        wrap: @escaping @Sendable (any StoreSession) -> any StoreSession = { $0 }
    ) async throws {
        let all = try await Ensemble.shared.connectString
        let (opened, alarms) = (self.opened, self.alarms)
        self.id = HealerID(name)
        self.elector = try Elector(
            member: Member(
                id: HealerID(name), incarnation: .new(), address: "\(name):1", version: "test", configuration: ""),
            layout: layout, timing: timing,
            connect: {
                var configuration = ZooKeeper.Session.Configuration(servers: servers ?? all)
                configuration.timeout = timing.session
                configuration.callLimit = max(timing.limit, .seconds(2))
                configuration.silenceLimit = timing.limit * 2 / 3
                // Addresses of loopback need no name service.
                let session = try! await ZooKeeper.Session.open(configuration)
                opened.add(OpenedSession(session: session))
                return wrap(ZooKeeperStore(session))
            }, time: BootClock(), log: Logger(level: .error) { alarms.add($0.message) })
        let (elector, said) = (self.elector, self.said)
        self.task = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await elector.run() }
                for await update in elector.updates { said.add(Said(update)) }
            }
        }
    }

    private struct OpenedSession: Equatable, Sendable {
        let session: ZooKeeper.Session
        static func == (a: Self, b: Self) -> Bool { a.session === b.session }
    }

    /// Every session that it has opened, the present one last.
    var sessions: [ZooKeeper.Session] { self.opened.values.map(\.session) }

    var role: LeadershipStatus.Role { self.elector.status.role }
    var isLeading: Bool { self.role == .leading }

    /// Gains and losses of leadership, in their order.
    var turns: [Said] {
        self.said.values.filter {
            switch $0 {
            case .leading, .lost: true
            default: false
            }
        }
    }

    /// Ends it as a process ends that has time for nothing: no resignation. Returns when all of it has ended.
    func end() async {
        self.task.cancel()
        await self.task.value
    }

    /// As ``end()``, after a resignation.
    func resign(to successor: Successor = .firstInLine) async {
        await self.elector.resign(to: successor)
        await self.task.value
    }
}

extension Contender.Said {
    fileprivate init(_ update: LeadershipUpdate) {
        self =
            switch update {
            case .following(let leader): .following(leader?.holder?.member)
            case .leading(let epoch): .leading(epoch)
            case .suspended(let epoch): .suspended(epoch)
            case .resumed(let epoch): .resumed(epoch)
            case .lost(let epoch, let reason): .lost(epoch, reason)
            case .session: .connected
            case .disconnected: .disconnected
            }
    }
}

extension Election.Timing {
    /// Leadership moves only where a test moves it, however busy the machine.
    static let patient = Election.Timing(
        beat: .milliseconds(100), limit: .seconds(12), silence: .seconds(15), session: .seconds(30),
        freshness: .seconds(5))
    /// What ends a leadership by time alone lies far behind what a busy machine needs to tell of its end.
    static let unhurried = Election.Timing(
        beat: .milliseconds(100), limit: .seconds(24), silence: .seconds(29), session: .seconds(60),
        freshness: .seconds(5))
}

/// An election of its own on the shared ensemble.
struct Contest: Sendable {
    let layout: Layout
    /// For looking at what stands there, and for doing what an operator does.
    let session: ZooKeeper.Session
    private let entered = Heard<Entered>()

    private struct Entered: Equatable, Sendable {
        let contender: Contender
        static func == (a: Self, b: Self) -> Bool { a.contender === b.contender }
    }

    /// Ends whoever stands for election, on both ways out.
    @discardableResult
    static func held<Result>(_ body: (Contest) async throws -> Result) async throws -> Result {
        try await withSession { session in
            let contest = Contest(layout: Layout(root: newPath(), cluster: ClusterName("main")), session: session)
            do {
                let result = try await body(contest)
                await contest.end()
                return result
            } catch {
                await contest.end()
                throw error
            }
        }
    }

    private func end() async { for entered in self.entered.values { await entered.contender.end() } }

    /// - Parameter inLine: waits until it stands in line.
    func enter(
        _ name: String, timing: Election.Timing = .patient, servers: String? = nil, inLine: Bool = true,
        wrap: @escaping @Sendable (any StoreSession) -> any StoreSession = { $0 }
    ) async throws -> Contender {
        let contender = try await Contender(name, self.layout, timing: timing, servers: servers, wrap: wrap)
        self.entered.add(Entered(contender: contender))
        if inLine {
            try await until("\(name) in line") { [.following, .leading].contains(contender.role) }
        }
        return contender
    }

    /// In this order in line, the first leads.
    func enter(_ names: [String], timing: Election.Timing = .patient) async throws -> [Contender] {
        var contenders: [Contender] = []
        for name in names {
            contenders.append(try await self.enter(name, timing: timing))
            if contenders.count == 1 { try await until("\(name) leads") { contenders[0].isLeading } }
        }
        return contenders
    }

    var record: LeaderRecord {
        get async throws { try LeaderRecord(decoding: try await self.session.get(self.layout.leader).data) }
    }

    /// Names of candidates, first in line first.
    var line: [String] {
        get async throws {
            try await self.session.children(self.layout.candidates).sorted { $0.suffix(10) < $1.suffix(10) }
        }
    }

    /// The name of the place in line that this one has.
    func candidate(of contender: Contender) async throws -> String {
        for name in try await self.line {
            let data = try await self.session.get(self.layout.candidate(name)).data
            if try Member(decoding: data).id == contender.id { return name }
        }
        throw NeverHappened(description: "\(contender.id) in line")
    }

    /// Waits until this one leads and the record says so.
    func leads(_ contender: Contender) async throws {
        try await until("\(contender.id) leads") {
            guard contender.isLeading else { return false }
            // The tree may have been taken away.
            return (try? await self.record)?.holder?.member == contender.id
        }
    }
}
