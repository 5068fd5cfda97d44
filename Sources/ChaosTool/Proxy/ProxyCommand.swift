import Cluster
import Foundation

/// `healer-chaos proxy`.
enum ProxyCommand: ToolCommand {
    static let summary = "A TCP proxy that holds, loses, delays, resets and refuses on demand"
    static let usage = """
        usage: healer-chaos proxy --to HOST:PORT [--listen 127.0.0.1:0] [--control unix:PATH|HOST:PORT]

        Prints `listening HOST:PORT`, and `control …` if there is one, and runs until a signal comes. The control
        channel takes one order a line and answers `ok …` when it is in force, or `error …`:

        \(ProxyOrder.usage.split(separator: "\n").joined(separator: "\n        "))

        hold-after TEXT holds every reply once a request that contains TEXT has been forwarded, and says
        `event held-after`.
        """

    static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--to", "--listen", "--control"])
        try line.refuseWords()
        let proxy = try FaultProxy(
            to: Endpoint(argument: line.required("--to")),
            listen: Endpoint(argument: line.value("--listen") ?? "127.0.0.1:0"),
            control: line.value("--control").map { try ProxyControlAddress($0) })
        Console.print("listening \(proxy.endpoint)")
        if let control = proxy.control { Console.print("control \(control)") }
        try await interruptible {
            for await _ in proxy.events {}
        }
        await proxy.close()
        return ExitCode.success
    }
}
