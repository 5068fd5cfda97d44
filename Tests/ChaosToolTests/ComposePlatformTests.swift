import Cluster
import Docker
import Foundation
import Testing

@testable import ChaosTool

/// What is read and made of texts, without an engine; `scripts/chaos --on compose` does the rest.
@Suite("The compose platform, without an engine") struct ComposePlatformTests {
    @Test("A line of the filter's log is a request, at the moment it was asked")
    func filterLog() throws {
        let text = """
            2026-11-22T01:10:12.000000001Z healer-docker-filter: listens at unix:///run/healer/docker.sock before …
            2026-11-22T01:10:13.523456789Z healer-docker-filter: passed on: POST /containers/0af/start (kafka-2), \
            answered 204 after 512 ms, for healer=healer-1 epoch=3 intent=3-1 incident=3-1 identity=0af@2026 startBy=77
            2026-11-22T01:10:14.5Z healer-docker-filter: passed on: POST /containers/0af/kill?signal=KILL (kafka-2), \
            answered 409 after 3 ms
            2026-11-22T01:10:15Z healer-docker-filter: passed on: POST /containers/0af/kill?signal=QUIT (kafka-2), \
            answered 204 after 0 ms
            2026-11-22T01:10:16Z healer-docker-filter: passed on: POST /containers/0af/start (zookeeper-1), answered 500 after 1 ms
            2026-11-22T01:10:17Z healer-docker-filter: refused: POST /containers/0af/stop?t=5: stop is not allowed here
            """
        let requests = FilterLog.requests(in: text, offset: -1_795_000_000_000_000_000)
        #expect(requests.map(\.verb) == [.start, .kill, .dump, .start])
        #expect(requests.map(\.result) == [.started, .notRunning, .dumped, .launchFailed])
        #expect(requests.map(\.node) == ["kafka-2", "kafka-2", "kafka-2", "zookeeper-1"])
        let first = try #require(requests.first)
        #expect(first.time == "2026-11-22T01:10:13.011Z")
        #expect(first.boottime == first.at.rawValue * 1_000_000 - 1_795_000_000_000_000_000)
        #expect(first.healer == "healer-1" && first.epoch == 3 && first.intent == "3-1" && first.startBy == 77)
        #expect(first.identity == "0af@2026" && first.isStep && !requests[1].isStep)
        let end = NodeEnd(time: "2026-11-22T01:10:13.523Z", node: "kafka-2", verb: .start, intent: "3-1")
        #expect(FilterLog.ends(in: text) == [end], "what failed, and a dump, are no steps that were carried out")
    }

    @Test("Whoever asks says who it is in words of one line, and nothing else is taken for that")
    func origin() {
        var origin = StepOrigin()
        origin[.healer] = "healer-1"
        origin[.epoch] = "3"
        origin[.intent] = "3 1"
        origin[.incident] = "a\nb"
        #expect(origin.text == "healer=healer-1 epoch=3")
        #expect(StepOrigin(reading: origin.text) == origin)
        #expect(StepOrigin(reading: "healer= other=1 epoch epoch=7 (kafka-1)").text == "epoch=7")
    }

    @Test("A cut drops packets in the name space of whoever connects, each way by itself")
    func packets() throws {
        func rules(_ fault: ProxyOrder) throws -> [String] {
            try PacketRules.arguments(for: fault, to: "10.0.0.2", ports: [3888, 2888]).map { $0.joined(separator: " ") }
        }
        #expect(
            try rules(.cut([.toServer])) == [
                "OUTPUT -p tcp -d 10.0.0.2 --dport 2888 -j DROP", "OUTPUT -p tcp -d 10.0.0.2 --dport 3888 -j DROP",
            ])
        #expect(
            try rules(.hold([.toClient])) == [
                "INPUT -p tcp -s 10.0.0.2 --sport 2888 -j DROP", "INPUT -p tcp -s 10.0.0.2 --sport 3888 -j DROP",
            ])
        #expect(try rules(.cut([.toServer, .toClient])).count == 4)
        #expect(try rules(.refuse).allSatisfy { $0.hasSuffix("-j REJECT --reject-with tcp-reset") })
        #expect(try rules(.delay(.seconds(1))).isEmpty)
    }

    @Test("What a scenario needs that containers do not have is said before anything starts")
    func needs() throws {
        func needs(_ name: String) throws -> Set<PlatformFeature> {
            try ScenarioReader.read(path: "\(try RunCommand.folder)/\(name).yaml").needs
        }
        #expect(try needs("F1-leader-killed").isEmpty)
        #expect(try needs("F11-follower-cut-from-peers") == [.healerLinks, .peerLinks])
        #expect(try needs("F30-slow-links") == [.healerLinks, .shapedLinks])
        #expect(try needs("F26-broker-disk-full") == [.smallDisks])
        #expect(try needs("F23-leader-cut-from-brokers") == [.brokerLinks])
        #expect(try needs("F18-broker-cut-off") == [.brokerLinks])
        #expect(!ProcessPlatform.features.contains(.brokerLinks))
    }

    @Test("Two readings of one container at the same time do not disturb each other, and leave nothing")
    func copies() async throws {
        try await withFolder { directory in
            // As `docker cp` does it: first the file, and a moment later its mode.
            let copies = ContainerCopies(directory: directory) { arguments in
                let target = try #require(arguments.last)
                try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
                try Data("whole".utf8).write(to: URL(fileURLWithPath: "\(target)/log.1"))
                try await Task.sleep(for: .milliseconds(5))
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(target)/log.1")
            }
            try await withThrowingTaskGroup(of: [String?].self) { group in
                for _ in 1...8 {
                    group.addTask {
                        try await copies.read("/data", of: ["zookeeper-1", "zookeeper-2"]) { folder in
                            (1...2).map { ProcFile.text("\(folder)/zookeeper-\($0)/log.1") }
                        }
                    }
                }
                for try await texts in group { #expect(texts == ["whole", "whole"]) }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        }
    }
}
