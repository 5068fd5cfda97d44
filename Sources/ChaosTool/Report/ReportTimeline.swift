import Cluster
import Foundation

/// The picture of a run: lanes over one axis of time, for faults, leaders, decisions, brokers, replicas and throughput.
struct ReportTimeline {
    private let report: RunReport
    /// In seconds from the first step, a little more on both sides.
    private let span: ClosedRange<Double>

    private static let left = 128.0
    private static let width = 1060.0
    private static let right = 12.0

    init(_ report: RunReport) {
        self.report = report
        let end = report.ended.seconds(since: report.began)
        self.span = -4...max(end, 1)
    }

    var svg: String {
        var lanes: [(name: String, height: Double, draw: (Double) -> String)] = []
        let faults = self.packedFaults
        lanes.append(("faults", Double(max(1, faults.count)) * 20 + 6, { self.faults(faults, $0) }))
        lanes.append(("leader", 28, self.leaders))
        lanes.append(("decisions", 28, self.decisions))
        for broker in self.brokers { lanes.append(("kafka-\(broker)", 18, { self.presence(of: broker, $0) })) }
        lanes.append(("not in sync", 52, self.replicas))
        if self.report.load != nil { lanes.append(("messages/s", 92, self.throughput)) }

        var top = 8.0
        var parts: [String] = []
        for lane in lanes {
            parts.append(
                "<text x=\"0\" y=\"\(Self.number(top + min(lane.height / 2, 14) + 4))\">\(ReportPage.escaped(lane.name))</text>"
            )
            parts.append(lane.draw(top))
            top += lane.height + 10
        }
        let axis = self.axis(to: top)
        let picture = "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(top + 26))\" role=\"img\" aria-label=\"timeline\">"
        return picture + "\n" + axis + "\n" + parts.joined(separator: "\n") + "\n</svg>"
    }

    // MARK: Lanes

    /// Faults in as few rows as keep them apart.
    private var packedFaults: [[FaultRecord]] {
        var rows: [[FaultRecord]] = []
        for fault in self.report.faults {
            if let free = rows.firstIndex(where: { row in
                row.last.map { self.end(of: $0) + 6 < fault.from.seconds(since: self.report.began) } ?? true
            }) {
                rows[free].append(fault)
            } else {
                rows.append([fault])
            }
        }
        return rows
    }

    private func end(of fault: FaultRecord) -> Double {
        (fault.until ?? fault.from).seconds(since: self.report.began)
    }

    private func faults(_ rows: [[FaultRecord]], _ top: Double) -> String {
        rows.enumerated().flatMap { index, row in
            row.map { fault in
                let y = top + Double(index) * 20
                let begin = fault.from.seconds(since: self.report.began)
                let bar = self.bar(begin, self.end(of: fault), y + 4, 12, "var(--red)", fault.text)
                let x = self.x(max(begin, self.end(of: fault))) + 6
                // Where there is no room behind it, the text stands before it.
                let isLate = x > Self.width - 240
                let place =
                    isLate ? "x=\"\(Self.number(self.x(begin) - 6))\" text-anchor=\"end\"" : "x=\"\(Self.number(x))\""
                return bar + "<text \(place) y=\"\(Self.number(y + 14))\">\(ReportPage.escaped(fault.text))</text>"
            }
        }.joined(separator: "\n")
    }

    private static let colours = ["var(--blue)", "var(--green)", "var(--violet)", "var(--amber)", "var(--faint)"]

    private func leaders(_ top: Double) -> String {
        let names = Set(self.report.leaderships.compactMap(\.healer)).sorted()
        let claims = self.report.leaderships
        return claims.enumerated().compactMap { index, claim -> String? in
            guard let healer = claim.healer else { return nil }
            let begin = claim.at.seconds(since: self.report.began)
            let end =
                index + 1 < claims.count ? claims[index + 1].at.seconds(since: self.report.began) : self.span.upperBound
            guard end > self.span.lowerBound else { return nil }
            let colour = Self.colours[(names.firstIndex(of: healer) ?? 0) % Self.colours.count]
            let text = "\(healer), epoch \(claim.epoch)"
            let label =
                self.x(end) - self.x(begin) > 120
                ? "<text x=\"\(Self.number(self.x(begin) + 6))\" y=\"\(Self.number(top + 17))\" "
                    + "style=\"fill: var(--page)\">\(text)</text>" : ""
            return self.bar(begin, end, top + 2, 22, colour, text) + label
        }.joined(separator: "\n")
    }

    private func decisions(_ top: Double) -> String {
        self.report.decisions.compactMap { decision in
            let x = decision.at.seconds(since: self.report.began)
            guard self.span.contains(x) else { return nil }
            let isStep = decision.by == "supervisor"
            let title = "<title>\(ReportPage.escaped("\(decision.subject): \(decision.what)"))</title>"
            return "<circle cx=\"\(Self.number(self.x(x)))\" cy=\"\(Self.number(top + (isStep ? 20 : 8)))\" "
                + "r=\"\(isStep ? 5 : 3.5)\" fill=\"\(isStep ? "var(--violet)" : "var(--blue)")\" "
                + "fill-opacity=\"0.75\">\(title)</circle>"
        }.joined(separator: "\n")
    }

    private var brokers: [Int32] { Set(self.report.looks.flatMap(\.brokers)).sorted() }

    private func presence(of broker: Int32, _ top: Double) -> String {
        self.stretches.filter { $0.look.brokers.contains(broker) }.map { stretch in
            let isController = stretch.look.controller == broker
            let text = "kafka-\(broker) is registered\(isController ? ", and the controller" : "")"
            return self.bar(
                stretch.begin, stretch.end, top + 2, 13, isController ? "var(--green)" : "var(--blue)", text, 0.55)
        }.joined(separator: "\n")
    }

    private func replicas(_ top: Double) -> String {
        let most = max(1, self.report.looks.map { max($0.underReplicated, $0.offline) }.max() ?? 1)
        func area(_ value: (ClusterLook) -> Int, _ colour: String, _ name: String) -> String {
            self.stretches.filter { value($0.look) > 0 }.map { stretch in
                let height = 46 * Double(value(stretch.look)) / Double(most)
                return self.bar(
                    stretch.begin, stretch.end, top + 48 - height, height, colour, "\(value(stretch.look)) \(name)", 0.6
                )
            }.joined(separator: "\n")
        }
        return self.base(top + 48)
            + area({ $0.underReplicated }, "var(--amber)", "partitions not in sync")
            + area({ $0.offline }, "var(--red)", "partitions without a leader")
            + "<text class=\"axis\" x=\"\(Int(Self.left) - 6)\" y=\"\(Self.number(top + 12))\" text-anchor=\"end\">\(most)</text>"
    }

    private func throughput(_ top: Double) -> String {
        guard let load = self.report.load, let most = load.perSecond.max(), most > 0 else { return "" }
        let offset = load.began.seconds(since: self.report.began)
        let scale = 84.0 / Double(max(most, load.rate))
        let bars = load.perSecond.enumerated().map { second, count in
            let begin = offset + Double(second)
            return self.bar(
                begin + 0.06, begin + 0.94, top + 88 - Double(count) * scale, Double(count) * scale, "var(--blue)",
                "\(count) messages acknowledged in this second", 0.7)
        }
        let offered = top + 88 - Double(load.rate) * scale
        return self.base(top + 88) + bars.joined(separator: "\n")
            + "<line class=\"base\" stroke-dasharray=\"4 3\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" "
            + "y1=\"\(Self.number(offered))\" y2=\"\(Self.number(offered))\"/>"
            + "<text class=\"axis\" x=\"\(Int(Self.left) - 6)\" y=\"\(Self.number(offered + 4))\" text-anchor=\"end\">\(load.rate)</text>"
    }

    // MARK: Drawing

    /// Each look holds until the next one.
    private var stretches: [(look: ClusterLook, begin: Double, end: Double)] {
        self.report.looks.enumerated().map { index, look in
            let next = index + 1 < self.report.looks.count ? self.report.looks[index + 1].at : self.report.ended
            return (look, look.at.seconds(since: self.report.began), next.seconds(since: self.report.began))
        }
    }

    private func x(_ seconds: Double) -> Double {
        let inside = min(max(seconds, self.span.lowerBound), self.span.upperBound)
        let share = (inside - self.span.lowerBound) / (self.span.upperBound - self.span.lowerBound)
        return Self.left + share * (Self.width - Self.left - Self.right)
    }

    private func bar(
        _ begin: Double, _ end: Double, _ y: Double, _ height: Double, _ colour: String, _ title: String,
        _ opacity: Double = 0.9
    ) -> String {
        guard end >= self.span.lowerBound, begin <= self.span.upperBound else { return "" }
        let x = self.x(begin)
        // What is over in no time is to be seen all the same.
        let width = max(3, self.x(end) - x)
        return "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\" "
            + "height=\"\(Self.number(height))\" rx=\"2\" fill=\"\(colour)\" fill-opacity=\"\(opacity)\">"
            + "<title>\(ReportPage.escaped(title))</title></rect>"
    }

    private func base(_ y: Double) -> String {
        "<line class=\"base\" x1=\"\(Int(Self.left))\" x2=\"\(Int(Self.width - Self.right))\" y1=\"\(Self.number(y))\" "
            + "y2=\"\(Self.number(y))\"/>"
    }

    private func axis(to bottom: Double) -> String {
        let steps = [1.0, 2, 5, 10, 20, 30, 60, 120, 300]
        let step = steps.first { (self.span.upperBound - self.span.lowerBound) / $0 <= 14 } ?? 600
        return stride(from: 0, through: self.span.upperBound, by: step).map { second in
            let x = Self.number(self.x(second))
            return "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"4\" y2=\"\(Self.number(bottom))\"/>"
                + "<text class=\"axis\" x=\"\(x)\" y=\"\(Self.number(bottom + 16))\" text-anchor=\"middle\">\(Int(second)) s</text>"
        }.joined(separator: "\n")
    }

    private static func number(_ value: Double) -> String { String(format: "%.1f", value) }
}
