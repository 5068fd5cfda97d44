import Cluster
import Testing

@testable import Daemon

/// What the answers are is shown by `scripts/test-systemd` on a real systemd; here, what a step makes of them.
@Suite("A step on a unit of systemd")
struct SystemdStepTests {
    private static let life = ProcessIdentity("8e9776ca01e44df3956bdb039bac15fc")

    private func judge(
        _ verb: SupervisorVerb, _ text: String, meant identity: ProcessIdentity? = Self.life
    ) throws -> SystemdStep.Judgement {
        let step = SystemdStep(
            verb: verb, systemctl: Systemctl(unit: UnitName("kafka")!), identity: identity, limitMilliseconds: 1000)
        return step.judge(try UnitState(text))
    }

    /// `ShownUnit.running`, in the life that is meant.
    private static let running = ShownUnit.running.replacing("23e2cd231e8d404c83f1c8efcf6273a5", with: life.rawValue)

    @Test("Only the life that was meant is told anything")
    func identity() throws {
        #expect(try self.judge(.start, ShownUnit.killed) == .act)
        #expect(try self.judge(.kill, Self.running) == .act)
        for verb in [SupervisorVerb.kill, .stop, .restart, .dump] {
            let other = try self.judge(verb, ShownUnit.running)
            #expect(
                other
                    == .refused(
                        "kafka.service is in another life now (23e2cd231e8d404c83f1c8efcf6273a5): "
                            + "\(verb.rawValue) not done"))
        }
        // It ended once more since the step was decided.
        let later = ShownUnit.killed.replacing(Self.life.rawValue, with: "72ecdf2979bd4a03ad64f65131c7ed5b")
        guard case .refused(let reason) = try self.judge(.start, later) else { Issue.record("started"); return }
        #expect(reason.contains("is in another life now (72ecdf2979bd4a03ad64f65131c7ed5b): start not done"))
        // One that systemd has forgotten has no life, and may be what is meant.
        #expect(try self.judge(.start, ShownUnit.forgotten, meant: nil) == .act)
        guard case .refused = try self.judge(.start, ShownUnit.forgotten) else { Issue.record("started"); return }
    }

    @Test("Where somebody else is at it, with a job or a stop under way, it is left to them")
    func hands() throws {
        let queued = ShownUnit.killed.replacing("Job=\n", with: "Job=12\n")
        #expect(try self.judge(.start, queued) == .refused("kafka.service: job 12 is queued for it; left to it"))
        let stopping = ShownUnit.stopping.replacing("0e1fef45a6844ac68367ff9cc69ad2f2", with: Self.life.rawValue)
        for verb in [SupervisorVerb.start, .kill, .restart, .dump] {
            for text in [stopping, stopping.replacing("Job=978", with: "Job=")] {
                #expect(try self.judge(verb, text) == .refused("kafka.service: it is being stopped; left to it"))
            }
        }
    }

    @Test("What runs, is about to be started by systemd, or has ended needs no step")
    func needless() throws {
        #expect(
            try self.judge(.start, ShownUnit.running) == .needless("runs already: 23e2cd231e8d404c83f1c8efcf6273a5"))
        #expect(
            try self.judge(.start, ShownUnit.autoRestart, meant: ProcessIdentity("72ecdf2979bd4a03ad64f65131c7ed5b"))
                == .needless("systemd is about to start it itself"))
        #expect(try self.judge(.kill, ShownUnit.killed) == .needless("it had ended"))
        let masked = ShownUnit.killed.replacing("LoadState=loaded", with: "LoadState=masked")
        #expect(try self.judge(.start, masked) == .refused("kafka.service is masked: left alone"))
    }

    @Test(
        "A start that fails as a job, without a new life, met the start limit; one that was denied or that ran did not")
    func startLimit() throws {
        let (before, failed) = (try UnitState(ShownUnit.startLimit), "Job for kafka.service failed.")
        func isLimit(_ said: String, isForbidden: Bool = false, _ after: String = ShownUnit.startLimit) throws -> Bool {
            SystemdStep.isStartLimit(
                .init(description: said, isForbidden: isForbidden), before: before, after: try UnitState(after))
        }
        #expect(try isLimit(failed))
        #expect(try isLimit(failed, isForbidden: true) == false)
        #expect(try isLimit("A dependency job failed.") == false)
        #expect(try isLimit(failed, ShownUnit.killed) == false, "it ran once more, and ended")
        #expect(try isLimit(failed, ShownUnit.autoRestart) == false)
        #expect(before.isAtStartLimit == false)
        #expect(try UnitState(ShownUnit.text("failed", "failed", result: "start-limit-hit")).isAtStartLimit)
    }
}
