import Cluster

/// Judges what must never happen while a run goes on, so that it is said when it happens, with the cluster still there to
/// be looked at, and what a later look might not show any more is not lost.
actor LiveJudge {
    /// One thing that was wrong, when it was first seen.
    struct Sighting: Hashable, Sendable, Codable {
        let at: WallTime
        let invariant: Invariant
        let violation: String
    }

    private(set) var sightings: [Sighting] = []
    /// How often everything was read.
    private(set) var looks = 0

    private let take: @Sendable () async throws -> RunRecord
    private let progress: @Sendable (String) -> Void
    private var task: Task<Void, Never>?

    /// What can be said before the end. The messages are read back then, and what is owed in the end is owed then.
    static let watched: Set<Invariant> = [.s1, .s2, .s3, .s4, .s5, .s6, .s7, .s8, .s9]
    private static let pause = Duration.seconds(1)
    /// Reading takes time, which the cluster needs too: no more than this part of it.
    private static let share = 4

    /// - Parameter take: what the witnesses say at the moment. Requests are read before the transaction logs, so that
    ///   whatever was asked for has its intent there.
    init(progress: @escaping @Sendable (String) -> Void, take: @escaping @Sendable () async throws -> RunRecord) {
        self.take = take
        self.progress = progress
    }

    func start() {
        self.task = Task {
            while !Task.isCancelled {
                let begin = HostClock.now
                await self.look()
                try? await Task.sleep(for: max(Self.pause, (HostClock.now - begin) * Self.share))
            }
        }
    }

    func stop() async {
        self.task?.cancel()
        await self.task?.value
    }

    /// A witness that cannot be read now is asked again soon; in the end it must answer.
    func look() async {
        guard let record = try? await self.take() else { return }
        self.looks += 1
        for verdict in InvariantJudge(record: record).verdicts() where Self.watched.contains(verdict.invariant) {
            for violation in verdict.violations
            where !self.sightings.contains(where: { $0.invariant == verdict.invariant && $0.violation == violation }) {
                self.sightings.append(
                    Sighting(at: HostClock.wall, invariant: verdict.invariant, violation: violation))
                self.progress("violates \(verdict.invariant.rawValue): \(violation)")
            }
        }
    }
}
