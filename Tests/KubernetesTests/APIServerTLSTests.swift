import Cluster
import Curl
import Foundation
import Kubernetes
import Testing

@testable import Daemon

@Suite("Whom a token is shown to", .timeLimit(.minutes(5)))
struct APIServerTLSTests {
    private let kafka = Node(
        name: NodeName("kafka-2"), role: .broker(BrokerID(2)), endpoint: Endpoint(host: "kafka-2.kafka", port: 9092))

    /// The program that was built beside the tests.
    private var healer: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("healer").path
    }

    @Test(
        "An API server is spoken to only if the service account's authority has signed its certificate, for this host")
    func authority() async throws {
        let answers = [
            SampleAPI.pod: Samples.running, SampleAPI.set: Samples.set, SampleAPI.node: Samples.node,
        ]
        try await TLSServer.with(answers) { server in
            let token = "\(server.folder)/token"
            try "token\n".write(toFile: token, atomically: true, encoding: .utf8)
            let client = HTTPClient()
            func supervisor(_ url: String, _ authority: String?) -> KubernetesSupervisor {
                KubernetesSupervisor(
                    configuration: KubernetesConfiguration(
                        server: url, namespace: ObjectName("kafka"), pod: TextTemplate([.placeholder(.node)]),
                        container: nil, account: ServiceAccount(tokenFile: token, authorityFile: authority),
                        crashLoopTime: .seconds(300), restartsRollout: false),
                    limit: { _ in .seconds(60) }, client: client, executable: self.healer)
            }
            func refusal(_ url: String, _ authority: String?) async -> String {
                do throws(SupervisorFailure) {
                    return "an answer: \(try await supervisor(url, authority).status(of: self.kafka))"
                } catch {
                    return error.reason
                }
            }
            let result: Result<Void, any Error>
            do {
                let (ours, other) = ("\(server.folder)/ours.pem", "\(server.folder)/other.pem")
                let state = try await supervisor(server.url, ours).status(of: self.kafka)
                #expect(state == ProcessState(state: .running, identity: PodLookTests.first))

                // Another authority, none of the system's, and the right one for another name of this host.
                let advice = ": set `supervisor.authority_file` to the cluster's authority"
                let localhost = server.url.replacingOccurrences(of: "127.0.0.1", with: "localhost")
                for (url, authority) in [(server.url, other), (server.url, nil), (localhost, ours)] {
                    let said = await refusal(url, authority)
                    let name = authority ?? "the system's list of authorities"
                    #expect(said.hasPrefix("the API server at \(url) is not vouched for by \(name): "), "\(said)")
                    #expect(said.hasSuffix(advice), "\(said)")
                }
                let absent = await refusal(server.url, "\(server.folder)/absent.pem")
                #expect(
                    absent.hasPrefix("\(server.folder)/absent.pem cannot be used to know the API server by: "),
                    "\(absent)")

                // The same by a step's own process, which is told where the files are.
                let step = try supervisor(server.url, other).command(
                    .kill, self.kafka, identity: PodLookTests.first, environment: [:])
                let ended = await step.run()
                #expect(ended.end == .exited(.code(1)) && ended.errors.text.contains("is not vouched for by \(other)"))
                let start = try supervisor(server.url, ours).command(
                    .start, self.kafka, identity: PodLookTests.first, environment: [:])
                let said = await start.run()
                #expect(said.succeeded && said.output.text == "runs already\n", "\(said)")
                result = .success(())
            } catch {
                result = .failure(error)
            }
            await client.close()
            try result.get()
        }
    }

    /// The kubelet does not write into the file: it makes another folder, and turns a link to it.
    @Test("A token is read again for each request, also where it is the folder that changes")
    func token() async throws {
        try await SampleAPI.with { api in
            let files = FileManager.default
            func turn(to name: String) throws {
                try files.createDirectory(atPath: "\(api.directory)/\(name)", withIntermediateDirectories: true)
                try "\(name)-token".write(toFile: "\(api.directory)/\(name)/token", atomically: false, encoding: .utf8)
                try files.createSymbolicLink(atPath: "\(api.directory)/..new", withDestinationPath: name)
                #expect(rename("\(api.directory)/..new", "\(api.directory)/..data") == 0)
            }
            try files.removeItem(atPath: api.tokenFile)
            try turn(to: "one")
            try files.createSymbolicLink(atPath: api.tokenFile, withDestinationPath: "..data/token")
            api.answer(SampleAPI.pod, .init(body: Samples.running))
            let supervisor = api.supervisor()
            _ = try await supervisor.status(of: api.kafka)
            try turn(to: "two")
            try files.removeItem(atPath: "\(api.directory)/one")
            _ = try await supervisor.status(of: api.kafka)
            #expect(
                api.requests(of: SampleAPI.pod).map(\.authorization) == ["Bearer one-token", "Bearer two-token"])
            try "two\nlines".write(toFile: "\(api.directory)/two/token", atomically: false, encoding: .utf8)
            await #expect(throws: SupervisorFailure(reason: "\(api.tokenFile) holds no token")) {
                try await supervisor.status(of: api.kafka)
            }
        }
    }
}
