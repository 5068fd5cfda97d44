import Cluster
import Healer
import FoundationEssentials

/// Follows what others put into the coordination tree of one cluster — both control nodes, and the other healers'
/// digests — and puts our own digest there.
actor CoordinationWatch {
    private enum Wish: Hashable {
        /// Because this node changed; `nil` to begin with.
        case control(changed: String?)
        case observers, observer(String), publish
    }

    private let layout: Layout
    private let healer: HealerID
    private let report: @Sendable (Event) -> Void
    private let resign: @Sendable (Control.Resignation) -> Void
    private let time: any TimeSource
    private let log: Logger
    private let wishes: AsyncStream<Wish>
    private let wish: AsyncStream<Wish>.Continuation
    private var session: (any StoreSession)?
    private var sessionID: Int64 = 0
    private var digest: Digest?
    /// False for whoever only looks.
    private var publishes = true
    private var seen: Set<String> = []
    /// Whose digest was read, with a watch, since we were last connected.
    private var watched: Set<String> = []
    /// The control nodes on which a watch stands: a second one would make each change two reads, and soon more.
    private var watchedControls: Set<String> = []
    /// Grows whenever everything is to be read anew.
    private var life = 0
    /// When each healer's last digest was made, by that healer's clock.
    private(set) var observedAt: [HealerID: WallTime] = [:]

    /// After a read that failed although the session stands.
    private static let retry = Duration.seconds(1)

    init(
        layout: Layout, healer: HealerID, time: any TimeSource, log: Logger,
        report: @escaping @Sendable (Event) -> Void,
        resign: @escaping @Sendable (Control.Resignation) -> Void
    ) {
        self.layout = layout
        self.healer = healer
        self.time = time
        self.log = log
        self.report = report
        self.resign = resign
        (self.wishes, self.wish) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(1024))
    }

    /// A session that is connected, or is so again: everything is read anew. `nil` while there is none.
    func use(_ session: (any StoreSession)?) async {
        self.session = session
        self.life += 1
        self.watched = []
        self.watchedControls = []
        guard let session else { return }
        for await state in session.states() {
            if case .connected(let id) = state { self.sessionID = id }
            break
        }
        for wish in [Wish.control(changed: nil), .observers, .publish] { self.wish.yield(wish) }
    }

    /// Only reads, through a session that is connected. False if no healer has made the tree yet, or it does not answer.
    func read(_ session: any StoreSession) async -> Bool {
        self.publishes = false
        guard (try? await session.exists(self.layout.base, watch: nil)) != nil else { return false }
        self.session = session
        self.wish.yield(.control(changed: nil))
        return true
    }

    var present: (any StoreSession)? { self.session }

    func publish(_ digest: Digest) {
        self.digest = digest
        self.observedAt[digest.healer] = digest.at
        self.wish.yield(.publish)
    }

    /// Until cancelled.
    func run() async {
        for await wish in self.wishes {
            guard let session = self.session else { continue }
            let life = self.life
            do {
                switch wish {
                case .control(let changed):
                    if let changed { self.watchedControls.remove(changed) }
                    try await self.readControl(session)
                case .observers: try await self.readObservers(session)
                case .observer(let name): try await self.readObserver(name, session)
                case .publish: try await self.putDigest(session)
                }
            } catch {
                if !error.isAmbiguous {
                    self.log.warning("coordination read failed", ["store.error": LogValue(error)])
                }
                // After a disturbance everything is read anew, and a digest is put there again before long. A read that only
                // came to nothing is repeated: nothing else would.
                guard wish != .publish, life == self.life else { continue }
                try? await self.time.sleep(for: Self.retry)
                if life == self.life { self.wish.yield(wish) }
            }
        }
    }

    private func again(_ next: Wish) -> @Sendable (WatchEvent) -> Void {
        { [wish] event in if event != .disturbed { wish.yield(next) } }
    }

    private func readControl(_ session: any StoreSession) async throws(StoreError) {
        let own = try await self.getControl(self.layout.control, session)
        let global = try await self.getControl(self.layout.globalControl, session)
        do throws(Control.Unreadable) {
            let view = ControlView(
                cluster: try Control(json: own.data), global: try Control(json: global.data),
                versions: ControlVersions(cluster: own.stat.version, global: global.stat.version))
            self.report(.controlRead(view))
            if let resignation = view.cluster.resign { self.resign(resignation) }
        } catch {
            self.log.error("control cannot be read, so no step is taken", ["control.problem": LogValue(error.reason)])
            let everything = Control.Hold(by: "healer", why: "control cannot be read: \(error.reason)")
            self.report(
                .controlRead(
                    ControlView(
                        cluster: Control(paused: everything), global: Control(),
                        versions: ControlVersions(cluster: own.stat.version, global: global.stat.version))))
        }
    }

    private func getControl(_ path: String, _ session: any StoreSession) async throws(StoreError) -> StoreNode {
        guard !self.watchedControls.contains(path) else { return try await session.get(path, watch: nil) }
        let life = self.life
        let node = try await session.get(path, watch: self.again(.control(changed: path)))
        if life == self.life { self.watchedControls.insert(path) }
        return node
    }

    private func readObservers(_ session: any StoreSession) async throws(StoreError) {
        let names = Set(try await session.children(self.layout.observers, watch: self.again(.observers)))
        for gone in self.seen.subtracting(names) {
            self.forget(gone)
            self.watched.remove(gone)
        }
        self.seen = names
        for name in names.subtracting(self.watched) where name != self.healer.rawValue {
            try await self.readObserver(name, session)
        }
    }

    private func readObserver(_ name: String, _ session: any StoreSession) async throws(StoreError) {
        let life = self.life
        do throws(StoreError) {
            let node = try await session.get("\(self.layout.observers)/\(name)", watch: self.again(.observer(name)))
            if life == self.life { self.watched.insert(name) }
            let digest = Ledger.digest(node.data)
            self.observedAt[HealerID(name)] = digest?.at
            self.report(.digestRead(HealerID(name), digest))
        } catch {
            guard error.reason == .noNode else { throw error }
            self.forget(name)
            self.seen.remove(name)
            self.watched.remove(name)
            self.wish.yield(.observers)
        }
    }

    private func forget(_ name: String) {
        self.observedAt[HealerID(name)] = nil
        self.report(.digestRead(HealerID(name), nil))
    }

    private func putDigest(_ session: any StoreSession) async throws(StoreError) {
        guard self.publishes, let digest = self.digest else { return }
        let path = self.layout.observer(self.healer)
        let data = Ledger.encode(digest)
        do throws(StoreError) {
            guard case .set(let stat) = try await session.multi([.set(path, data: data, version: nil)]).first,
                stat.ephemeralOwner != self.sessionID
            else { return }
            // Left by an earlier session of ours, with which it would vanish.
            _ = try await session.multi([.delete(path, version: nil), .create(path, data: data, kind: .ephemeral)])
        } catch {
            guard error.reason == .noNode else { throw error }
            _ = try await session.create(path, data: data, kind: .ephemeral)
        }
    }
}
