import Cluster
import Election
import Healer

/// Follows by watch what ``SharedRecords`` has: a quiet cluster costs no read, a change costs one. It is for pages, and the
/// line for whoever hands over; no step is decided by it.
actor RecordWatch {
    private enum Place: Hashable { case candidates, incidents, recoveries, record(LedgerKey) }
    private enum Wish {
        case read(Place)
        /// The watch with this number fired.
        case changed(Place, Int)
    }

    private let ledger: Ledger
    private let time: any TimeSource
    private let log: Logger
    private let wishes: AsyncStream<Wish>
    private let wish: AsyncStream<Wish>.Continuation
    private var session: (any StoreSession)?
    /// A leader has no need to read what it writes.
    private var leads = false
    /// The watch that is set on each place. There is never more than one that counts, or each change would set off more
    /// reads than the last one.
    private var watches: [Place: Int] = [:]
    private var lastWatch = 0
    /// Grows whenever all that was read is to be read anew.
    private var life = 0
    private var members: [String: Member] = [:]
    private var incidents: [IncidentID: IncidentRecord] = [:]
    private var recoveries: [NodeName: RecoveryRecord] = [:]

    /// After a read that failed although the session stands.
    private static let retry = Duration.seconds(1)

    init(ledger: Ledger, time: any TimeSource, log: Logger) {
        self.ledger = ledger
        self.time = time
        self.log = log
        // One wish for each place at most, and places are few.
        (self.wishes, self.wish) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(4096))
    }

    /// As last read; without a session that may be long ago.
    var records: SharedRecords {
        SharedRecords(
            members: self.line.map(\.member),
            incidents: Array(self.incidents.values), recoveries: Array(self.recoveries.values))
    }

    /// First in line first.
    var line: [(candidate: String, member: Member)] {
        self.members.sorted { Self.number($0.key) < Self.number($1.key) }.map { ($0.key, $0.value) }
    }

    /// A session that is connected, or is so again. `nil` while there is none: what was read stays.
    func use(_ session: (any StoreSession)?) {
        self.session = session
        self.begin()
    }

    func stand(leads: Bool) {
        guard leads != self.leads else { return }
        self.leads = leads
        self.begin()
    }

    private func begin() {
        self.life += 1
        self.watches = [:]
        if self.leads { (self.incidents, self.recoveries) = ([:], [:]) }
        guard self.session != nil else { return }
        for place in self.leads ? [Place.candidates] : [.candidates, .incidents, .recoveries] {
            self.wish.yield(.read(place))
        }
    }

    /// Until cancelled.
    func run() async {
        for await wish in self.wishes {
            let place: Place
            switch wish {
            case .read(let asked): place = asked
            case .changed(let changed, let number):
                guard self.watches[changed] == number else { continue }
                self.watches[changed] = nil
                place = changed
            }
            guard let session = self.session, !self.leads || place == .candidates else { continue }
            let life = self.life
            do throws(StoreError) {
                try await self.read(place, session)
            } catch {
                if !error.isAmbiguous {
                    self.log.warning("coordination read failed", ["store.error": LogValue(error)])
                }
                // After a disturbance everything is read anew. A read that only came to nothing is repeated.
                try? await self.time.sleep(for: Self.retry)
                if life == self.life {
                    self.watches[place] = nil
                    self.wish.yield(.read(place))
                }
            }
        }
    }

    /// `nil` where one is set already.
    private func watch(_ place: Place) -> (@Sendable (WatchEvent) -> Void)? {
        guard self.watches[place] == nil else { return nil }
        self.lastWatch += 1
        let number = self.lastWatch
        self.watches[place] = number
        return { [wish] event in if event != .disturbed { wish.yield(.changed(place, number)) } }
    }

    private func read(_ place: Place, _ session: any StoreSession) async throws(StoreError) {
        let layout = self.ledger.layout
        switch place {
        case .candidates: try await self.readCandidates(session)
        case .incidents: try await self.readRecords(below: layout.incidents, place, session)
        case .recoveries: try await self.readRecords(below: layout.recoveries, place, session)
        case .record(let key): try await self.readRecord(key, session)
        }
    }

    /// A candidate's data never change, so each is read once.
    private func readCandidates(_ session: any StoreSession) async throws(StoreError) {
        let life = self.life
        let layout = self.ledger.layout
        let names = try await session.children(layout.candidates, watch: self.watch(.candidates))
        var found: [String: Member] = [:]
        for name in names {
            if let known = self.members[name] {
                found[name] = known
                continue
            }
            do throws(StoreError) {
                let node = try await session.get(layout.candidate(name), watch: nil)
                found[name] = try? Member(decoding: node.data)
            } catch {
                guard error.reason == .noNode else { throw error }
            }
        }
        if life == self.life { self.members = found }
    }

    private func readRecords(
        below path: String, _ place: Place, _ session: any StoreSession
    ) async throws(StoreError) {
        let life = self.life
        let names = try await session.children(path, watch: self.watch(place))
        guard life == self.life else { return }
        let keys = names.compactMap { self.ledger.key(of: "\(path)/\($0)") }
        let there = Set(keys)
        switch place {
        case .incidents: self.incidents = self.incidents.filter { there.contains(.incident($0.key)) }
        default: self.recoveries = self.recoveries.filter { there.contains(.recovery($0.key)) }
        }
        for key in keys where self.watches[.record(key)] == nil {
            try await self.readRecord(key, session)
            guard life == self.life else { return }
        }
    }

    private func readRecord(_ key: LedgerKey, _ session: any StoreSession) async throws(StoreError) {
        let life = self.life
        var record: LedgerRecord?
        do throws(StoreError) {
            let node = try await session.get(self.ledger.path(of: key), watch: self.watch(.record(key)))
            record = Ledger.decode(node.data, of: key)
        } catch {
            guard error.reason == .noNode else { throw error }
            if life == self.life { self.watches[.record(key)] = nil }
        }
        guard life == self.life else { return }
        switch key {
        case .incident(let id):
            if case .incident(let found) = record { self.incidents[id] = found } else { self.incidents[id] = nil }
        case .recovery(let node):
            if case .recovery(let found) = record { self.recoveries[node] = found } else { self.recoveries[node] = nil }
        case .history, .nodes: break
        }
    }

    /// The number that ZooKeeper put at the end of a candidate's name, which is its place in line.
    private static func number(_ name: String) -> Int { Int(name.suffix(10)) ?? .max }
}
