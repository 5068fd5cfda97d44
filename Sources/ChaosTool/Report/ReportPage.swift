import Cluster
import Foundation

/// One run as a page of its own: no script, no style and no picture from anywhere else.
struct ReportPage {
    private let report: RunReport

    init(_ report: RunReport) { self.report = report }

    var html: String {
        let report = self.report
        let title = "\(report.scenario), seed \(report.seed)"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Self.escaped(title)): \(report.outcome.rawValue)</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <header>
            <h1>\(Self.escaped(report.scenario)) <span class="badge \(report.outcome.rawValue)">\(report.outcome.rawValue)</span></h1>
            <p>\(Self.escaped(report.summary))</p>
            <p class="faint">on \(report.platform), seed \(report.seed), \(Self.date(report.began)) UTC</p>
            </header>
            \(self.complaints)
            <section class="figures">
            \(self.figures)
            </section>
            <section>
            <h2>What happened</h2>
            \(ReportTimeline(report).svg)
            </section>
            <div class="columns">
            <section>
            <h2>Invariants</h2>
            \(self.invariants)
            </section>
            <section>
            <h2>Messages</h2>
            \(self.messages)
            </section>
            </div>
            <section>
            <h2>Faults and decisions</h2>
            \(self.story)
            </section>
            </body>
            </html>

            """
    }

    // MARK: Parts

    private var complaints: String {
        let broken = self.report.invariants.flatMap { verdict in
            verdict.violations.map { "\(verdict.invariant.rawValue): \($0)" }
        }
        let all = broken + self.report.unmet + self.report.invalid
        if all.isEmpty { return "" }
        return "<section class=\"complaints\"><ul>\(all.map { "<li>\(Self.escaped($0))</li>" }.joined())</ul></section>"
    }

    private var figures: String {
        let figures = self.report.figures
        func seconds(_ value: Double?) -> String { value.map { String(format: "%.1f s", $0) } ?? "–" }
        let cells = [
            ("new leaderships", "\(figures.leaderships)"), ("longest without a leader", seconds(figures.takeover)),
            ("elections of the ensemble", "\(figures.elections)"), ("started", "\(figures.started)"),
            ("killed", "\(figures.killed)"), ("deregistered", "\(figures.deregistered)"),
            ("all well after the last step", seconds(figures.settled)),
            ("metrics say so again", seconds(figures.metricsBack)),
            ("acknowledged and lost", self.report.load?.check.map { "\($0.missing)" } ?? "–"),
        ]
        return cells.map { "<div><b>\($0.1)</b><span>\($0.0)</span></div>" }.joined(separator: "\n")
    }

    private var invariants: String {
        let rows = self.report.invariants.map { verdict in
            let (word, kind) =
                if verdict.notJudged != nil {
                    ("not judged", "open")
                } else if verdict.violations.isEmpty {
                    ("held", "held")
                } else {
                    ("violated", "broken")
                }
            let more = (verdict.notJudged.map { [$0] } ?? verdict.violations).map(Self.escaped).joined(
                separator: "<br>")
            return "<tr><th>\(verdict.invariant.rawValue)</th><td class=\"\(kind)\">\(word)</td>"
                + "<td>\(Self.escaped(verdict.invariant.sentence))<div class=\"faint\">\(more)</div></td></tr>"
        }
        return "<table>\(rows.joined(separator: "\n"))</table>"
    }

    private var messages: String {
        guard let load = self.report.load else { return "<p class=\"faint\">no load</p>" }
        func row(_ name: String, _ latency: LoadLatency?) -> String {
            let cells = latency.map { [$0.p50, $0.p95, $0.p99, $0.max] } ?? []
            let text = cells.map { "<td class=\"number\">\(String(format: "%.0f", $0))</td>" }.joined()
            return "<tr><th>\(name)</th><td class=\"number\">\(latency?.count ?? 0)</td>\(text)</tr>"
        }
        let check = load.check.map { "\($0.line)" } ?? "could not be read back"
        return """
            <table>
            <tr><th></th><th>messages</th><th>p50</th><th>p95</th><th>p99</th><th>max, ms</th></tr>
            \(row("before", load.before))
            \(row("while hurt", load.during))
            \(row("in the end", load.after))
            </table>
            <p>\(load.rate) messages a second offered; \(load.ackedMeanwhile) acknowledged from the first step on.</p>
            <p class="faint">\(Self.escaped(check))\(load.failed > 0 ? ", given up: \(load.failed)" : "")</p>
            """
    }

    private var story: String {
        var lines: [(at: WallTime, who: String, what: String)] = self.report.faults.map { ($0.from, "chaos", $0.text) }
        // What ends a kill is a start, which has a line of its own.
        lines += self.report.faults.filter { !["kill", "stop"].contains($0.word) }
            .compactMap { fault in fault.until.map { ($0, "chaos", "no longer: \(fault.text)") } }
        lines += self.report.decisions.map { ($0.at, $0.by, "\($0.subject): \($0.what)") }
        lines += self.report.leaderships.filter { $0.at >= self.report.began }.map { claim in
            (claim.at, "ZooKeeper", "epoch \(claim.epoch): \(claim.healer.map { "\($0) leads" } ?? "resigned")")
        }
        let rows = lines.sorted { $0.at < $1.at }.map { line in
            let seconds = String(format: "%.2f", line.at.seconds(since: self.report.began))
            return "<tr class=\"\(line.who)\"><td class=\"number\">\(seconds)</td><td>\(line.who)</td>"
                + "<td>\(Self.escaped(line.what))</td></tr>"
        }
        return
            "<table class=\"story\"><tr><th>s</th><th>who</th><th>what</th></tr>\(rows.joined(separator: "\n"))</table>"
    }

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }

    private static func date(_ time: WallTime) -> String {
        var seconds = time_t(time.rawValue / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour, parts.tm_min, parts.tm_sec)
    }

    private static let style = """
        :root { color-scheme: light dark; --ink: #1d2430; --faint: #667085; --line: #dde1e8; --card: #f6f7f9;
          --page: #ffffff; --red: #c4314b; --green: #1f8a52; --blue: #2f6fd6; --amber: #b7791f; --violet: #7a4fd0; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --faint: #98a2b3; --line: #343b48;
          --card: #1c212b; --page: #12161d; --red: #f0707f; --green: #58c48a; --blue: #7aa8f5; --amber: #e0a84e;
          --violet: #ab8cf0; } }
        body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--ink); background: var(--page);
          max-width: 1120px; margin: 0 auto; padding: 24px; }
        h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 28px 0 8px; } p { margin: 4px 0; }
        .faint { color: var(--faint); font-size: 13px; }
        .badge { font-size: 14px; vertical-align: middle; border-radius: 12px; padding: 3px 12px; color: var(--page); }
        .passed { background: var(--green); } .violated { background: var(--red); } .invalid { background: var(--amber); }
        .complaints { border-left: 4px solid var(--red); background: var(--card); padding: 8px 8px 8px 0; margin: 16px 0; }
        .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; margin-top: 18px; }
        .figures div { background: var(--card); border-radius: 8px; padding: 10px 12px; }
        .figures b { display: block; font-size: 20px; } .figures span { color: var(--faint); font-size: 12px; }
        .columns { display: grid; grid-template-columns: 3fr 2fr; gap: 28px; }
        @media (max-width: 800px) { .columns { grid-template-columns: 1fr; } }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; vertical-align: top; padding: 3px 10px 3px 0; border-bottom: 1px solid var(--line); }
        th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
        .held { color: var(--green); } .broken { color: var(--red); font-weight: 600; } .open { color: var(--faint); }
        .held, .broken, .open { white-space: nowrap; }
        .story td:nth-child(1) { width: 60px; } .story td:nth-child(2) { width: 100px; }
        .chaos td:nth-child(2) { color: var(--red); } .supervisor td:nth-child(2) { color: var(--violet); }
        .healers td:nth-child(2) { color: var(--blue); } .ZooKeeper td:nth-child(2) { color: var(--green); }
        .story td:nth-child(3) { overflow-wrap: anywhere; }
        svg { width: 100%; height: auto; display: block; } svg text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
        svg .axis { fill: var(--faint); font-size: 11px; } svg .grid { stroke: var(--line); } svg .base { stroke: var(--faint); }
        """
}

extension Invariant {
    /// As `chaos/INVARIANTS.md` says it, in a few words.
    var sentence: String {
        switch self {
        case .s1: "steps for one node never overlap"
        case .s2: "a step begins only after a guarded write under the epoch of the record; epochs only grow"
        case .s3: "a follower begins no step"
        case .s4: "no step begins long after its permission, or after somebody else's claim"
        case .s5: "an intent stands open in ZooKeeper before its step, and is begun once"
        case .s6: "no node is started more often than its policy allows"
        case .s7: "one recovery at a time; no start over an old registration; no partition taken under its minimum"
        case .s8: "nothing is done by a healer that is itself cut off"
        case .s9: "a healthy node is left alone"
        case .s10: "everything acknowledged is consumed, once and in order"
        case .s11: "whatever was begun stands in the audit trail"
        case .s12: "no secret stands where others may read"
        case .l1: "what was hurt is back, or people were told"
        case .l2: "exactly one healer leads, the others stand in line once"
        case .l3: "no intent is left open"
        case .l4: "people hear of an incident exactly once"
        case .l5: "followers see what the leader sees"
        }
    }
}
