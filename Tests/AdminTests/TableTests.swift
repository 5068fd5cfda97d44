import Admin
import Cluster
import Testing

@Suite("Pages as tables")
struct TableTests {
    @Test("Columns are aligned, and no line ends in a space")
    func aligned() {
        var table = Table(["NAME", Table.Column("MS", .right), "ERROR"])
        table.add(["kafka-1", "0.5", ""])
        table.add(["k", "12.0", "connection refused"])
        #expect(
            table.text(colours: false) == """
                NAME       MS  ERROR
                kafka-1   0.5
                k        12.0  connection refused

                """)
        #expect(Table(["NAME"]).text(colours: false) == "")
    }

    @Test("Colours change nothing about the alignment, and stay away unless asked for")
    func colours() {
        var table = Table(["A", "B"])
        table.add([Table.Cell("x", .bad), Table.Cell("y", .good)])
        let painted = table.text(colours: true)
        #expect(painted == "\u{1B}[1mA\u{1B}[0m  \u{1B}[1mB\u{1B}[0m\n\u{1B}[31mx\u{1B}[0m  \u{1B}[32my\u{1B}[0m\n")
        #expect(!table.text(colours: false).contains("\u{1B}"))
    }

    @Test("A cell is one line, whatever is in it")
    func oneLine() {
        var table = Table(["A", "B"])
        table.add([Table.Cell("one\ntwo\r\n"), "y"])
        #expect(table.text(colours: false) == "A        B\none two  y\n")
    }

    @Test("Nodes are node, type, status, last check, response time, method, error")
    func nodes() {
        #expect(
            Samples.nodes.text(.table, colours: false) == """
                NODE     TYPE       STATUS     LAST CHECK   MS  METHOD       ERROR
                kafka-2  broker     UNHEALTHY  500 ms ago  1.3  protocol     connection refused
                zk-1     zookeeper  HEALTHY    0 ms ago    0.5  four_letter

                data    from healer-1, 420 ms old
                quorum  established

                """)
    }

    @Test("An explanation is a timeline with offsets from the start")
    func explanation() {
        #expect(
            Samples.explained.text(.table, colours: false) == """
                incident brokerDead-kafka-2-1, brokerDead of kafka-2: dead; start is under way
                TIME                        OFFSET  WHAT
                2023-11-14 22:13:19.000Z  +0.000 s  detected  connection reset, exited
                2023-11-14 22:13:19.310Z  +0.310 s  intent    start, epoch 3

                """)
    }

    @Test("The status says leader, pause, maintenance, age and quorum, then members, nodes, incidents, recoveries")
    func status() {
        let text = Samples.status.text(.table, colours: false)
        #expect(
            text.hasPrefix(
                """
                cluster main: UNHEALTHY
                  kafka-2 is UNHEALTHY
                leader       healer-1, epoch 3, for 1m 40s, last beat 210 ms ago
                mode         heal
                partitions   3 partitions, 1 offline, 1 under min ISR, 2 under-replicated
                paused       by ada@desk: upgrade, since 10.0 s, until 2023-11-14 22:23:20.000Z
                maintenance  kafka-3 by ada@desk: disk
                data         from healer-1, 420 ms old
                quorum       established

                MEMBER
                """), "\(text)")
        for heading in ["\nMEMBER ", "\nNODE     TYPE", "\nINCIDENT ", "\nNODE     STEP"] {
            #expect(text.contains(heading), "\(heading)")
        }
        #expect(text.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
    }

    @Test("Every page prints itself both ways, ends its last line, and colours nothing off a terminal")
    func everyPage() {
        let pages: [any ShownPage] = [
            Samples.status, Samples.nodes, Samples.partitionsPage, Samples.check, Samples.explained,
            IncidentsPage(source: Samples.source, incidents: [Samples.explained]),
            MembersPage(source: Samples.source, members: Samples.members),
            LeaderPage(source: Samples.source, leader: Samples.leader, verdict: Verdict(reasons: ["no beat"])),
            ControlPage(
                source: Samples.source, done: "paused", paused: Samples.status.paused, pausedEverywhere: true,
                maintenance: Samples.status.maintenance, inFlight: [Samples.recovery]),
        ]
        for page in pages {
            let table = page.text(.table, colours: false)
            #expect(table.hasSuffix("\n"))
            #expect(!table.contains("\u{1B}"))
            #expect(!table.contains(" \n"), "\(table)")
            #expect(page.text(.json, colours: false).hasPrefix("{\n"))
        }
        #expect(pages.map { $0.isHealthy } == [false, false, false, false, true, false, true, false, true])
    }

    @Test("Pages without anything to list say so")
    func empty() {
        #expect(
            NodesPage(source: Samples.source, verdict: Verdict(reasons: []), nodes: []).text(colours: false)
                .hasPrefix("no nodes are known yet\n"))
        #expect(
            MembersPage(source: Samples.source, members: []).text(colours: false).hasPrefix("no healer takes part"))
        #expect(
            IncidentsPage(source: Samples.source, incidents: []).text(colours: false)
                .hasPrefix("no incidents are remembered\n"))
    }
}

@Suite("Times as people read them")
struct TimeTextTests {
    @Test(
        "A time is a date and a clock in UTC, in leap years and before 1970 as well",
        arguments: [
            (0, "1970-01-01 00:00:00.000Z"), (1_700_000_000_123, "2023-11-14 22:13:20.123Z"),
            (951_782_400_000, "2000-02-29 00:00:00.000Z"), (1_709_164_800_000, "2024-02-29 00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28 23:59:59.999Z"), (4_107_542_400_000, "2100-03-01 00:00:00.000Z"),
            (-1, "1969-12-31 23:59:59.999Z"),
        ] as [(Int64, String)])
    func utc(milliseconds: Int64, text: String) {
        #expect(TimeText.utc(WallTime(milliseconds)) == text)
    }

    @Test(
        "A span is told by its two largest units",
        arguments: [
            (-5, "0 ms"), (999, "999 ms"), (1500, "1.5 s"), (59_999, "59.9 s"), (200_000, "3m 20s"),
            (7_500_000, "2h 5m"), (356_400_000, "4d 3h"),
        ] as [(Int64, String)])
    func span(milliseconds: Int64, text: String) {
        #expect(TimeText.span(milliseconds) == text)
    }

    @Test(
        "An offset has its sign",
        arguments: [(310, "+0.310 s"), (-1250, "-1.250 s"), (0, "+0.000 s")] as [(Int64, String)])
    func offset(milliseconds: Int64, text: String) {
        #expect(TimeText.offset(milliseconds) == text)
    }
}
