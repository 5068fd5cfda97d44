import Cluster
import Testing

@testable import Election

@Suite("The guard of a write")
struct GuardTests {
    let layout = Bench.layout
    let claim = HeldClaim(epoch: Epoch(4), nonce: "n", version: 8, candidate: "/healer/clusters/main/candidates/n-n_1")
    let step = GuardedRequest(.step(control: 2, globalControl: 5), [.create("/a", data: []), .create("/b", data: [])])
    let record = GuardedRequest(.record, [.create("/a", data: [])])

    @Test("A step checks record, own candidate and both controls; an outcome checks record and candidate")
    func operations() {
        #expect(
            self.claim.operations(for: self.step, in: self.layout) == [
                .check(self.layout.leader, version: 8), .check(self.claim.candidate, version: 0),
                .check(self.layout.control, version: 2), .check(self.layout.globalControl, version: 5),
                .create("/a", data: []), .create("/b", data: []),
            ])
        #expect(
            self.claim.operations(for: self.record, in: self.layout) == [
                .check(self.layout.leader, version: 8), .check(self.claim.candidate, version: 0),
                .create("/a", data: []),
            ])
    }

    private func result(_ reason: StoreError.Reason, at operation: Int?, of request: GuardedRequest) -> GuardedResult {
        self.claim.result(
            of: .failure(StoreError(reason, path: "", operation: operation)), to: request, sentAt: .zero,
            in: self.layout)
    }

    @Test("Which operation failed tells what to do")
    func failures() {
        #expect(self.result(.badVersion, at: 0, of: self.step) == .deposed)
        #expect(self.result(.noNode, at: 1, of: self.step) == .deposed)
        #expect(self.result(.badVersion, at: 2, of: self.step) == .controlMoved)
        #expect(self.result(.badVersion, at: 3, of: self.step) == .controlMoved)
        #expect(
            self.result(.nodeExists, at: 5, of: self.step)
                == .refused(operation: 1, StoreError(.nodeExists, path: "", operation: 5)))
        #expect(self.result(.badVersion, at: 0, of: self.record) == .deposed)
        #expect(self.result(.noNode, at: 1, of: self.record) == .deposed)
    }

    @Test(
        "Without an answer nothing is known",
        arguments: [StoreError.Reason.connectionLost, .timedOut, .sessionExpired, .closed])
    func unknown(reason: StoreError.Reason) {
        #expect(self.result(reason, at: nil, of: self.step) == .unknown)
    }

    @Test("A committed write gives the results of its own operations, and when it was sent")
    func committed() {
        let results: [StoreResult] = [.checked, .checked, .created(path: "/a")]
        let sent = Moment(.seconds(3))
        #expect(
            self.claim.result(of: .success(results), to: self.record, sentAt: sent, in: self.layout)
                == .committed(sentAt: sent, [.created(path: "/a")]))
    }
}

@Suite("Timing")
struct TimingTests {
    @Test("Both profiles keep the rules", arguments: [Election.Timing.steady, .fast])
    func profiles(timing: Election.Timing) { #expect(timing.brokenRules.isEmpty) }

    @Test("A timing that breaks a rule is told which")
    func broken() {
        var timing = Election.Timing.steady
        timing.limit = .milliseconds(900)
        #expect(timing.brokenRules == [.limitAllowsALostBeat, .freshnessWithinLimit])
        timing = .steady
        timing.silence = .seconds(2)
        #expect(timing.brokenRules == [.silenceExceedsLimit])
        timing = .steady
        timing.session = .seconds(4)
        #expect(timing.brokenRules == [.sessionExceedsSilence])
    }
}

@Suite("Latencies")
struct LatencyTests {
    @Test("Percentiles lie within a quarter above the value")
    func percentiles() throws {
        var histogram = LatencyHistogram()
        #expect(histogram.p50 == nil)
        for milliseconds in 1...100 { histogram.add(.milliseconds(milliseconds)) }
        let (p50, p99) = (try #require(histogram.p50), try #require(histogram.p99))
        #expect(p50 >= .milliseconds(50) && p50 <= .milliseconds(63))
        #expect(p99 >= .milliseconds(99) && p99 <= .milliseconds(124))
    }

    @Test("What was long ago is forgotten, so that a day of quick writes does not hide a slow minute")
    func recent() throws {
        var latencies = RecentLatencies()
        var now = Moment.zero + .seconds(1000)
        func add(_ count: Int, _ duration: Duration) {
            for _ in 0..<count {
                latencies.add(duration, at: now)
                now = now + .milliseconds(500)
            }
        }
        add(10_000, .milliseconds(2))
        #expect(latencies.histogram.count <= 1200)
        add(60, .seconds(1))
        #expect(try #require(latencies.histogram.p99) >= .seconds(1))
        add(1200, .milliseconds(2))
        #expect(try #require(latencies.histogram.p99) < .milliseconds(3))
        now = now + .seconds(3600)
        add(1, .seconds(1))
        #expect(latencies.histogram.count == 1)
    }
}
