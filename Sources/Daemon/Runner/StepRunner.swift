import Cluster
import Dispatch
import Foundation
import Glibc

/// Starts the small runner: a process of its own that keeps a step's time limit and output cap, survives the healer, and
/// leaves the outcome where the next leader finds it.
struct StepRunner: Sendable {
    /// This program.
    let executable: String

    /// A runner that cannot be started is a step that was not permitted.
    func run(_ order: StepOrder) async -> EndedStep {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.runBlocking(order)) }
        }
    }

    private static let queue = DispatchQueue(label: "steps", attributes: .concurrent)

    private func runBlocking(_ order: StepOrder) -> EndedStep {
        let process: SpawnedProcess
        do {
            process = try SpawnedProcess(
                [self.executable, "step-runner"], environment: CommandSupervisor.cleanEnvironment, ownSession: true,
                pipes: [.input, .output])
        } catch {
            return EndedStep(result: StepResult(.notPermitted, output: "no runner: \(error)"), process: nil)
        }
        writeAll(process.input!, [UInt8](try! JSONEncoder().encode(order)) + [10])
        let limit = bootTime() + .milliseconds(order.limitMilliseconds) + Command.politeness + Self.slack
        let result =
            readLine(process.output!, until: limit)
            .flatMap { try? JSONDecoder().decode(StepResult.self, from: Data($0)) }
            ?? StepResult(.unknown, output: "the runner ended without an answer")
        // Reaped whenever it ends.
        Self.queue.async {
            var status: Int32 = 0; while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
        }
        return EndedStep(result: result, process: process)
    }

    /// What a runner may take beyond its command's own limit.
    private static let slack = Duration.seconds(10)
}

/// What came of a step, and the runner that waits to hear that this was recorded.
struct EndedStep: Sendable {
    static let recorded: [UInt8] = Array("recorded".utf8)

    let result: StepResult
    fileprivate let process: SpawnedProcess?

    /// To be called once.
    /// - Parameter recorded: false leaves the recording to the runner.
    func finish(recorded: Bool) {
        guard let process = self.process else { return }
        if recorded { writeAll(process.input!, Self.recorded + [10]) }
        close(process.input!)
        close(process.output!)
    }
}

/// Writes all of it, or as much as the other side takes before it is gone.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            return
        }
    }
}

/// The bytes before the next newline; `nil` if the other side closes first, or the deadline passes.
func readLine(_ descriptor: Int32, until deadline: Moment) -> [UInt8]? {
    var line: [UInt8] = []
    while true {
        let left = (deadline - bootTime()).wholeMilliseconds
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard left > 0, poll(&polled, 1, Int32(min(left, 1_000_000))) >= 0 else { return nil }
        guard polled.revents != 0 else { continue }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        line += bytes[..<count]
        if let end = line.firstIndex(of: 10) { return Array(line[..<end]) }
    }
}
