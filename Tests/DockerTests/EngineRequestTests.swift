import Docker
import Foundation
import Testing

@Suite("What is asked of an engine")
struct EngineRequestTests {
    private static let kafka = ContainerReference("kafka-2")!
    private static let id = ContainerReference(String(repeating: "0123456789abcdef", count: 4))!
    private static let time = EngineTime(seconds: 1_800_000_000, nanoseconds: 42)

    private static let requests: [EngineRequest] = [
        .ping, .inspect(kafka), .inspect(id), .logs(kafka, lines: 300, since: nil), .logs(kafka, lines: 0, since: time),
        .endings(id, since: time, until: EngineTime(seconds: 1_800_000_009)), .start(kafka), .stop(kafka, seconds: 45),
        .kill(kafka, .kill), .kill(id, .quit), .restart(kafka, seconds: 0),
    ]

    /// A request's target as a server hears it.
    static func heard(_ target: String) -> (path: String, query: [(name: String, value: String)]) {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = parts.dropFirst().first.map { $0.split(separator: "&") } ?? []
        return (
            String(parts[0]),
            query.map { field in
                let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                return (pair[0], pair.count > 1 ? pair[1].removingPercentEncoding! : "")
            }
        )
    }

    @Test("Whatever we write is read back as what it was", arguments: requests)
    func roundTrip(request: EngineRequest) {
        let (path, query) = Self.heard(request.target)
        #expect(EngineRequest(isPost: request.isPost, path: path, query: query) == request)
        #expect(EngineRequest(isPost: !request.isPost, path: path, query: query) == nil)
    }

    @Test(
        "Whatever is written otherwise is not read",
        arguments: [
            "/", "/containers/json", "/containers/create", "/containers/kafka-2", "/containers/kafka-2/json/",
            "/v1.45/containers/kafka-2/json", "//containers/kafka-2/json", "/containers//json",
            "/containers/../kafka-2/json", "/containers/kafka-2/../../images/json", "/containers/kafka-2%2Fjson",
            "/containers/kafka 2/json", "/containers/-kafka/json", "/containers/kafka-2/json?size=1",
            "/containers/kafka-2/exec", "/containers/kafka-2/archive?path=/", "/containers/kafka-2/attach",
            "/containers/kafka-2/export", "/containers/kafka-2/update", "/containers/kafka-2/rename?name=x",
            "/containers/kafka-2/start?checkpoint=x", "/containers/kafka-2/start?detachKeys=x",
            "/containers/kafka-2/kill", "/containers/kafka-2/kill?signal=STOP", "/containers/kafka-2/kill?signal=9",
            "/containers/kafka-2/kill?signal=KILL&signal=STOP", "/containers/kafka-2/kill?signal=kill",
            "/containers/kafka-2/stop", "/containers/kafka-2/stop?t=-1", "/containers/kafka-2/stop?t=3601",
            "/containers/kafka-2/stop?t=+5", "/containers/kafka-2/stop?t=5&signal=KILL",
            "/containers/kafka-2/restart?t=99999999999999999999", "/containers/kafka-2/logs?follow=1",
            "/containers/kafka-2/logs?stdout=1&stderr=1&tail=all", "/containers/kafka-2/logs?stdout=1&stderr=1",
            "/containers/kafka-2/logs?stdout=1&stderr=1&tail=5&follow=1", "/events", "/events?since=1&until=2",
            "/events?since=1.000000000&until=2.000000000&filters={}",
            "/events?since=1.000000000&until=2.000000000&filters={\"container\":[\"kafka-2\"]}",
            "/exec/abc/start", "/images/json", "/info", "/version", "/volumes/create", "/build", "/session", "/_ping/x",
        ])
    func refused(target: String) {
        let (path, query) = Self.heard(target)
        for isPost in [false, true] { #expect(EngineRequest(isPost: isPost, path: path, query: query) == nil) }
    }

    @Test("Every request belongs to a verb of the filter's list, but a ping; a thread dump belongs to reading the log")
    func verbs() {
        #expect(
            Self.requests.map(\.verb) == [
                nil, .inspect, .inspect, .logs, .logs, .inspect, .start, .stop, .kill, .logs, .restart,
            ])
        for request in Self.requests where request.container != nil {
            #expect(request.about(Self.id).container == Self.id)
            #expect(request.about(Self.id).about(request.container!) == request)
        }
    }
}

@Suite("An engine's addresses and times")
struct EngineValuesTests {
    @Test("An address is a socket's path, or a host and a port")
    func addresses() {
        #expect(EngineAddress("unix:///run/docker.sock") == .unix(path: "/run/docker.sock"))
        #expect(EngineAddress("tcp://docker-1.example:2376") == .tcp(host: "docker-1.example", port: 2376))
        #expect(EngineAddress("tcp://[::1]:2376")?.description == "tcp://[::1]:2376")
        for wrong in [
            "", "/run/docker.sock", "unix://run/docker.sock", "unix:///", "tcp://host", "tcp://:2376", "tcp://h:0",
            "tcp://user@host:1", "tcp://host/x:1", "http://host:2375", "ssh://host",
            "unix:///" + String(repeating: "x", count: 107),
        ] {
            #expect(EngineAddress(wrong) == nil, "\(wrong)")
        }
    }

    @Test("A time keeps its nanoseconds, whatever the number of decimals; the year 1 is no time")
    func times() {
        #expect(EngineTime("2026-11-21T18:33:09.5Z")?.description == "1795285989.500000000")
        #expect(EngineTime("2026-11-21T18:33:09.000000042Z")?.nanoseconds == 42)
        #expect(EngineTime("2026-11-21T18:33:09Z")?.description == "1795285989.000000000")
        for wrong in ["0001-01-01T00:00:00Z", "", "Z", "2026-11-21T18:33:09", "2026-11-21T18:33:09.Z", "now"] {
            #expect(EngineTime(wrong) == nil, "\(wrong)")
        }
        #expect(EngineTime("2026-11-21T18:33:09.9Z")! < EngineTime("2026-11-21T18:33:10Z")!)
    }
}
