import Cluster
import Docker
import Foundation

/// What the filter before an engine's socket wrote down, as `docker logs -t` shows it: the witness of what healers had done.
///
/// A line is written when the engine has answered, and tells how long that took, so the moment of asking is known.
enum FilterLog {
    /// - Parameter offset: what CLOCK_BOOTTIME is ahead of the wall clock, in nanoseconds.
    static func requests(in text: String, offset: Int64) -> [NodeRequest] {
        text.split(separator: "\n").compactMap { self.request(in: $0, offset: offset)?.request }
    }

    /// Of what was done, when the engine said so.
    static func ends(in text: String) -> [NodeEnd] {
        text.split(separator: "\n").compactMap { self.request(in: $0, offset: 0) }.filter(\.request.isCarriedOut).map {
            NodeEnd(time: $0.answered.iso8601, node: $0.request.node, verb: $0.request.verb, intent: $0.request.intent)
        }
    }

    private static func request(
        in line: Substring, offset: Int64
    ) -> (request: NodeRequest, answered: WallTime)? {
        let form =
            /(\S+)Z healer-docker-filter: passed on: POST \/containers\/[^\/ ]+\/([a-z]+)(\?\S*)? \(([^)]+)\), answered (\d+)(?: after (\d+) ms)?(?:, for (.*))?/
        guard let found = line.wholeMatch(of: form)?.output, let status = Int(found.5),
            let written = WallTime(engine: found.1)
        else { return nil }
        // A thread dump is a kill by another signal.
        guard let verb = found.3?.contains("signal=QUIT") == true ? .dump : NodeVerb(rawValue: String(found.2))
        else { return nil }
        let at = WallTime(written.rawValue - (found.6.flatMap { Int64($0) } ?? 0))
        let origin = StepOrigin(reading: found.7.map(String.init) ?? "")
        let result = self.result(of: verb, status)
        let request = NodeRequest(
            time: at.iso8601, boottime: at.rawValue * 1_000_000 + offset, node: String(found.4), verb: verb,
            identity: origin[.identity], found: nil, intent: origin[.intent], incident: origin[.incident],
            epoch: origin[.epoch].flatMap { Int64($0) }, healer: origin[.healer],
            startBy: origin[.startBy].flatMap { Int64($0) }, result: result, code: result.code)
        return (request, written)
    }

    /// By the engine's answer: 204, 304 where it is so already, 409 where the state does not allow it.
    private static func result(of verb: NodeVerb, _ status: Int) -> NodeResult {
        switch (verb, status) {
        case (.start, 304): .running
        case (.start, 200..<300): .started
        case (.kill, 200..<300): .killed
        case (.stop, 200..<300): .stopped
        case (.restart, 200..<300): .restarted
        case (.dump, 200..<300): .dumped
        case (.start, _), (.restart, _): .launchFailed
        default: .notRunning
        }
    }
}

extension WallTime {
    /// `2026-11-21T15:04:05.678901234`, with any number of digits, or none, of the second's parts.
    fileprivate init?(engine text: Substring) {
        let parts = text.split(separator: ".")
        guard let whole = parts.first else { return nil }
        let milliseconds = (parts.count > 1 ? String(parts[1]) : "").padding(toLength: 3, withPad: "0", startingAt: 0)
        self.init(iso8601: "\(whole).\(milliseconds)Z")
    }
}
