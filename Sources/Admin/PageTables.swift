import Cluster

extension NodeEntry {
    static let columns: [Table.Column] = [
        "NODE", "TYPE", "STATUS", "LAST CHECK", Table.Column("MS", .right), "METHOD", "ERROR",
    ]

    func row(now: WallTime) -> [Table.Cell] {
        [
            Table.Cell(self.node.rawValue), Table.Cell(self.type.rawValue),
            Table.Cell(self.status.rawValue, self.status.tone), Table.Cell(TimeText.ago(self.lastCheck, now: now)),
            Table.Cell(self.responseTimeMs.map { Self.milliseconds($0) } ?? "-"),
            Table.Cell(self.method?.rawValue ?? "-"), Table.Cell(self.error ?? ""),
        ]
    }

    /// One digit after the point, without Foundation's formats.
    static func milliseconds(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "-" }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\((tenths % 10).magnitude)"
    }
}

extension [NodeEntry] {
    func text(now: WallTime, colours: Bool) -> String {
        var table = Table(NodeEntry.columns)
        for node in self { table.add(node.row(now: now)) }
        return table.text(colours: colours)
    }
}

extension NodesPage: ShownPage {
    public var isHealthy: Bool { self.verdict.healthy }

    public func text(colours: Bool) -> String {
        let table = self.nodes.text(now: self.source.readAt, colours: colours)
        return (table.isEmpty ? "no nodes are known yet\n" : table) + "\n" + self.source.footer(colours: colours)
    }
}

extension CheckPage: ShownPage {
    public func text(colours: Bool) -> String {
        var table = Table(["METHOD", Table.Column("MS", .right), "SEEN", "ERROR"])
        for result in self.results {
            table.add([
                Table.Cell(result.method.rawValue), Table.Cell(NodeEntry.milliseconds(result.timeMs)),
                Table.Cell(result.seen, result.error == nil ? .good : .bad), Table.Cell(result.error ?? ""),
            ])
        }
        let status = self.node.status.tone.paint(self.node.status.rawValue, colours: colours)
        let address = self.node.address.map { " at \($0)" } ?? ""
        let head = "\(self.node.type.rawValue) \(self.node.node)\(address): \(status)\n"
        return head + table.text(colours: colours) + "\n" + self.source.footer(colours: colours)
    }
}

extension PartitionsPage: ShownPage {
    public var isHealthy: Bool { self.verdict.healthy }

    public func text(colours: Bool) -> String {
        func list(_ brokers: [BrokerID]) -> String { brokers.map { $0.description }.joined(separator: ",") }
        var table = Table([
            "PARTITION", Table.Column("LEADER", .right), "REPLICAS", "IN SYNC", Table.Column("MIN", .right), "AILS",
        ])
        for partition in self.partitions {
            let worst: Table.Tone = partition.ails.first == .underReplicated ? .doubtful : .bad
            table.add([
                Table.Cell("\(partition.topic)-\(partition.partition)"),
                Table.Cell(partition.leader?.description ?? "none"), Table.Cell(list(partition.replicas)),
                Table.Cell(list(partition.inSyncReplicas)),
                Table.Cell(partition.minInSyncReplicas.map { String($0) } ?? "-"),
                Table.Cell(partition.ails.map { $0.rawValue }.joined(separator: " "), worst),
            ])
        }
        let more = self.leftOut > 0 ? "… and \(self.leftOut) more\n" : ""
        return "\(self.counts.text)\n" + table.text(colours: colours) + more + "\n"
            + self.source.footer(colours: colours)
    }
}

extension PartitionCounts {
    var text: String {
        "\(self.total) partitions, \(self.offline) offline, \(self.underMinISR) under min ISR, "
            + "\(self.underReplicated) under-replicated"
    }
}

extension [IncidentEntry] {
    func text(now: WallTime, colours: Bool) -> String {
        var table = Table(["INCIDENT", "CODE", "SUBJECT", "BEGAN", "LASTED", "STATE"])
        for incident in self {
            let end = incident.closedAt ?? now
            table.add([
                Table.Cell(incident.id), Table.Cell(incident.code), Table.Cell(incident.subject),
                Table.Cell(TimeText.utc(incident.since)),
                Table.Cell(TimeText.span(end.rawValue - incident.since.rawValue)),
                Table.Cell(incident.summary, incident.isOpen ? .bad : .good),
            ])
        }
        return table.text(colours: colours)
    }
}

extension IncidentsPage: ShownPage {
    /// Whether none is open.
    public var isHealthy: Bool { !self.incidents.contains { $0.incident.isOpen } }

    public func text(colours: Bool) -> String {
        let table = self.incidents.map { $0.incident }.text(now: self.source.readAt, colours: colours)
        return (table.isEmpty ? "no incidents are remembered\n" : table) + "\n" + self.source.footer(colours: colours)
    }
}

extension IncidentPage: ShownPage {
    /// An explanation that could be given is a success, whatever it explains.
    public var isHealthy: Bool { true }

    public func text(colours: Bool) -> String {
        var table = Table(["TIME", Table.Column("OFFSET", .right), "WHAT", ""])
        for entry in self.timeline {
            table.add([
                Table.Cell(TimeText.utc(entry.time)), Table.Cell(TimeText.offset(entry.offsetMs)),
                Table.Cell(entry.kind.rawValue, entry.kind.tone), Table.Cell(entry.text),
            ])
        }
        let incident = self.incident
        let state = (incident.isOpen ? Table.Tone.bad : .good).paint(incident.summary, colours: colours)
        let timeline = table.text(colours: colours)
        return "incident \(incident.id), \(incident.code) of \(incident.subject): \(state)\n"
            + (timeline.isEmpty ? "nothing has been noted about it\n" : timeline)
    }
}

extension TimelineEntry.Kind {
    fileprivate var tone: Table.Tone {
        switch self {
        case .suspected, .refused: .doubtful
        case .detected: .bad
        case .verified, .closed: .good
        default: .plain
        }
    }
}
