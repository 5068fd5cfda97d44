import Cluster
import Foundation
import Kubernetes
import Testing

@testable import Daemon

@Suite("The kubernetes supervisor, on what an API server said", .timeLimit(.minutes(5)))
struct KubernetesSupervisorTests {
    private let first = PodLookTests.first

    @Test("It asks for the pod, its set and its node, with the token that is in the file now")
    func status() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            let supervisor = api.supervisor()
            #expect(try await supervisor.status(of: api.kafka) == ProcessState(state: .running, identity: self.first))
            #expect(api.requests.map(\.path) == [SampleAPI.pod, SampleAPI.set, SampleAPI.node])
            #expect(api.requests.allSatisfy { $0.method == "GET" && $0.authorization == "Bearer first" })
            try api.write(token: "second")
            _ = try await supervisor.status(of: api.kafka)
            #expect(api.requests.last?.authorization == "Bearer second")
        }
    }

    @Test("A node that may not be read is no reason to know nothing; a pod that may not be read is")
    func forbidden() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            api.answer(SampleAPI.node, .init(status: 403, body: Samples.forbidden))
            let state = try await api.supervisor().status(of: api.kafka).state
            #expect(state == .running)
            api.answer(SampleAPI.pod, .init(status: 403, body: Samples.forbidden))
            await #expect(throws: SupervisorFailure.self) { try await api.supervisor().status(of: api.kafka) }
            api.answer(SampleAPI.pod, .init(status: 401, body: Samples.unauthorized))
            await #expect(throws: SupervisorFailure(reason: "Unauthorized")) {
                try await api.supervisor().status(of: api.kafka)
            }
        }
    }

    @Test("Without a token nothing is asked, and the file is named")
    func noToken() async throws {
        try await SampleAPI.with { api in
            try FileManager.default.removeItem(atPath: api.tokenFile)
            await #expect(
                throws: SupervisorFailure(reason: "\(api.tokenFile) cannot be read: No such file or directory")
            ) {
                try await api.supervisor().status(of: api.kafka)
            }
            #expect(api.requests.isEmpty)
        }
    }

    @Test("A step's order names the token's file, not the token")
    func order() async throws {
        try await SampleAPI.with { api in
            let command = try api.supervisor().command(.kill, api.kafka, identity: self.first, environment: [:])
            #expect(command.arguments[1] == "kubernetes-step")
            #expect(!command.arguments[2].contains("first"))
            let step = try JSONDecoder().decode(KubernetesStep.self, from: Data(command.arguments[2].utf8))
            #expect(step.verb == .kill && step.identity == self.first && step.account.tokenFile == api.tokenFile)
            for verb in [SupervisorVerb.dump, .stop] {
                #expect(!api.supervisor().knows(verb))
                #expect(throws: SupervisorFailure.self) {
                    try api.supervisor().command(verb, api.kafka, identity: self.first, environment: [:])
                }
            }
        }
    }

    @Test("A kill evicts that very pod as it was looked at, with a second's grace, and waits until it has ended")
    func kill() async throws {
        try await SampleAPI.with { api in
            api.answer(
                SampleAPI.pod, .init(body: Samples.running), .init(body: Samples.running), .init(body: Samples.ended))
            api.answer(SampleAPI.eviction, .init(status: 201, body: Samples.done))
            let said = try await api.step(.kill, self.first).carryOut(by: api.client, startBy: nil)
            #expect(said == "killed, and its pod is made anew")
            let pod: Pod = try PodLookTests.read(Samples.running)
            let sent = try #require(api.requests(of: SampleAPI.eviction).first)
            #expect(sent.method == "POST" && api.requests(of: SampleAPI.eviction).count == 1)
            let body = try #require(try JSONSerialization.jsonObject(with: Data(sent.body.utf8)) as? [String: Any])
            let options = try #require(body["deleteOptions"] as? [String: Any])
            #expect(options["gracePeriodSeconds"] as? Int == 1)
            #expect(
                options["preconditions"] as? [String: String]
                    == ["uid": pod.metadata.uid, "resourceVersion": pod.metadata.resourceVersion])
            #expect(api.requests(of: SampleAPI.pod).count == 3)
        }
    }

    @Test(
        "Another life, a process that has ended, a pod that nobody would make anew, and a step that is late: left alone"
    )
    func leftAlone() async throws {
        try await SampleAPI.with { api in
            func carryOut(_ verb: SupervisorVerb, _ life: ProcessIdentity?, startBy: Moment? = nil) async throws
                -> String
            {
                try await api.step(verb, life).carryOut(by: api.client, startBy: startBy)
            }
            api.answer(SampleAPI.pod, .init(body: Samples.again))
            for verb in [SupervisorVerb.kill, .restart] {
                await #expect(throws: KubernetesStep.Refusal.self) { try await carryOut(verb, self.first) }
            }
            // Whoever wanted it started has what he wanted.
            #expect(try await carryOut(.start, self.first) == "runs already: \(PodLookTests.second)")
            api.answer(SampleAPI.pod, .init(body: Samples.ended))
            #expect(try await carryOut(.kill, self.first) == "it had ended")
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            await #expect(throws: KubernetesStep.Refusal.self) {
                try await carryOut(.kill, self.first, startBy: bootTime() - .seconds(1))
            }
            let orphan = Samples.running.replacingOccurrences(of: "\"controller\": true", with: "\"controller\": false")
            api.answer(SampleAPI.pod, .init(body: orphan))
            await #expect(throws: KubernetesStep.Refusal.self) { try await carryOut(.kill, self.first) }
            api.answer(SampleAPI.pod, .init(body: Samples.evicted))
            let life = try await api.supervisor().status(of: api.kafka).identity
            #expect(try await carryOut(.kill, life) == "its pod is being deleted already")
            #expect(api.requests(of: SampleAPI.eviction).isEmpty)
        }
    }

    @Test("A start evicts a pod whose container does not run; with the pod's own grace")
    func start() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.ended))
            api.answer(SampleAPI.eviction, .init(status: 201, body: Samples.done))
            let said = try await api.step(.start, self.first).carryOut(by: api.client, startBy: nil)
            #expect(said == "its pod is made anew")
            #expect(api.requests(of: SampleAPI.eviction).first?.body.contains("gracePeriodSeconds") == false)
        }
    }

    @Test(
        "A conflict, or what is too old, is looked at again: the same life is tried again, another is left alone",
        arguments: [409, 410])
    func conflict(status: Int) async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.ended))
            api.answer(
                SampleAPI.eviction, .init(status: status, body: Samples.conflict),
                .init(status: 201, body: Samples.done))
            let said = try await api.step(.start, self.first).carryOut(by: api.client, startBy: nil)
            #expect(said == "its pod is made anew")
            #expect(api.requests(of: SampleAPI.eviction).count == 2)

            api.answer(SampleAPI.pod, .init(body: Samples.running), .init(body: Samples.again))
            api.answer(SampleAPI.eviction, .init(status: status, body: Samples.conflict))
            await #expect(throws: KubernetesStep.Refusal.self) {
                try await api.step(.kill, self.first).carryOut(by: api.client, startBy: nil)
            }
            #expect(api.requests(of: SampleAPI.eviction).count == 3)
        }
    }

    @Test("A server that is busy is asked again when it says; a budget that refuses is somebody's word, and final")
    func busy() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.ended))
            api.answer(
                SampleAPI.eviction, .init(status: 429, body: Samples.unauthorized, retryAfter: "1"),
                .init(status: 201, body: Samples.done))
            let begin = bootTime()
            let said = try await api.step(.start, self.first).carryOut(by: api.client, startBy: nil)
            #expect(said == "its pod is made anew")
            #expect(bootTime() - begin >= .seconds(1))
            // Not within the time that is left.
            api.answer(SampleAPI.eviction, .init(status: 429, body: Samples.unauthorized, retryAfter: "3600"))
            await #expect(throws: APIFailure(.busy(retryAfter: .seconds(3600)), "Unauthorized")) {
                try await api.step(.start, self.first).carryOut(by: api.client, startBy: nil)
            }
            api.answer(SampleAPI.eviction, .init(status: 429, body: Samples.budget))
            let before = api.requests(of: SampleAPI.eviction).count
            do {
                _ = try await api.step(.start, self.first).carryOut(by: api.client, startBy: nil)
                Issue.record("a budget is no word")
            } catch let refusal as KubernetesStep.Refusal {
                #expect(
                    refusal.description
                        == "a PodDisruptionBudget does not allow it now: "
                        + "The disruption budget kafka needs 2 healthy pods and has 2 currently")
                #expect(KubernetesStep.yields(refusal))
            }
            #expect(api.requests(of: SampleAPI.eviction).count == before + 1)
        }
    }

    @Test("The log is that of the container that ended, and of the one after it")
    func logs() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.log, .init(body: "last words\n"))
            api.answer(SampleAPI.pod, .init(body: Samples.ended))
            let alone = try await api.step(.logs, self.first).carryOut(by: api.client, startBy: nil)
            #expect(alone == "last words\n")
            api.answer(SampleAPI.pod, .init(body: Samples.again))
            let both = try await api.step(.logs, self.first).carryOut(by: api.client, startBy: nil)
            #expect(both == "last words\n--- the container after it\nlast words\n")
        }
    }

    @Test("A rollout restart writes the annotation; by default the one pod is evicted")
    func restart() async throws {
        try await SampleAPI.with { api in
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            api.answer(SampleAPI.eviction, .init(status: 201, body: Samples.done))
            let said = try await api.step(.restart, self.first).carryOut(by: api.client, startBy: nil)
            #expect(said == "its pod is made anew")
            _ = try await api.step(.restart, self.first, rollout: true).carryOut(by: api.client, startBy: nil)
            let sent = try #require(api.requests(of: SampleAPI.set).last)
            #expect(sent.method == "PATCH")
            #expect(sent.body.contains("\"kubectl.kubernetes.io/restartedAt\":\"2"))
        }
    }

    @Test("What became of a step is told by the pod: another life is done, a deletion goes on, else it was not begun")
    func probe() async throws {
        try await SampleAPI.with { api in
            let supervisor = api.supervisor()
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            #expect(await supervisor.probe(.kill, api.kafka, identity: self.first) == .notStarted)
            api.answer(SampleAPI.pod, .init(body: Samples.again))
            #expect(
                await supervisor.probe(.kill, api.kafka, identity: self.first)
                    == .done(StepResult(.succeeded, output: "found running")))
            api.answer(SampleAPI.pod, .init(body: Samples.evicted))
            let life = try await supervisor.status(of: api.kafka).identity
            #expect(await supervisor.probe(.kill, api.kafka, identity: life) == .running)
            api.answer(SampleAPI.pod, .init(status: 403, body: Samples.forbidden))
            #expect(await supervisor.probe(.kill, api.kafka, identity: self.first) == .unknown)
        }
    }

    @Test("Outside of a pod it is said what has to be set")
    func outside() async throws {
        try await SampleAPI.with { api in
            func reason(_ server: String?, _ surroundings: [String: String]) async -> String {
                let supervisor = KubernetesSupervisor(
                    configuration: KubernetesConfiguration(
                        server: server, namespace: nil, pod: TextTemplate([.placeholder(.node)]), container: nil,
                        account: ServiceAccount(tokenFile: api.tokenFile), crashLoopTime: .seconds(300),
                        restartsRollout: false),
                    limit: { _ in .seconds(60) }, client: api.client, executable: "/nonexistent",
                    surroundings: surroundings)
                do throws(SupervisorFailure) {
                    _ = try await supervisor.status(of: api.kafka)
                    return "an answer"
                } catch {
                    return error.reason
                }
            }
            #expect(await reason(nil, [:]).contains("set `supervisor.server`"))
            #expect(
                APIServer.ofOwnCluster(["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"])
                    == "https://10.0.0.1:6443")
            #expect(APIServer.ofOwnCluster(["KUBERNETES_SERVICE_HOST": "fd00::1"]) == "https://[fd00::1]:443")
        }
    }
}
