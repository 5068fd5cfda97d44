import Curl
import Dispatch
import Docker
import FoundationEssentials
import Glibc
import MicroHTTPD

let complain: @Sendable (String) -> Void = {
    let line = Array("healer-docker-filter: \($0)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Until SIGTERM or SIGINT.
func serve(_ listen: EngineAddress, _ engine: EngineAddress, _ rules: FilterRules) async -> Int32 {
    let client = HTTPClient()
    let filter = Filter(rules: rules, engine: Engine(engine, tls: nil, client: client), say: complain)
    var limits = HTTPServer.Limits()
    // None of what we know has a body.
    limits.bodyBytes = 0
    let server: HTTPServer
    do {
        switch listen {
        case .tcp(let host, let port):
            server = try HTTPServer(host: host, port: port, limits: limits) { await filter.answer($0) }
        case .unix(let path):
            server = try HTTPServer(unixSocket: path, mode: 0o660, limits: limits) { await filter.answer($0) }
        }
    } catch {
        complain("\(error)")
        await client.close()
        return 1
    }
    let list = rules.containers.map(\.text).sorted().joined(separator: " ")
    complain(
        "listens at \(listen) before \(engine); \(rules.verbs.map(\.rawValue).sorted().joined(separator: " ")) on \(list)"
    )
    await withTaskGroup(of: Void.self) { group in
        group.addTask { await server.run() }
        await stopSignal()
        group.cancelAll()
    }
    await client.close()
    return 0
}

/// Returns at the first SIGTERM or SIGINT.
func stopSignal() async {
    let (signals, report) = AsyncStream.makeStream(of: Int32.self)
    let sources = [SIGTERM, SIGINT].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { report.yield(number) }
        source.activate()
        return source
    }
    for await _ in signals { break }
    for source in sources { source.cancel() }
}

func check(_ address: EngineAddress) async -> Int32 {
    await HTTPClient.during { client in
        do {
            let answer = try await Engine(address, tls: nil, client: client).send(.ping, within: .seconds(3))
            if answer.status == 200 { return 0 }
            complain("the engine behind \(address) answers with status \(answer.status)")
        } catch {
            complain("\(error)")
        }
        return 1
    }
}

signal(SIGPIPE, SIG_IGN)
// The socket is nobody's else until its mode is set.
umask(0o177)
do {
    switch try FilterSettings(Array(CommandLine.arguments.dropFirst())) {
    case .help: print(FilterSettings.usage, terminator: "")
    case .check(let address): exit(await check(address))
    case .serve(let listen, let engine, let rules): exit(await serve(listen, engine, rules))
    }
} catch {
    complain("\(error); try --help")
    exit(2)
}
