import Cluster
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Hands steps to small runners: processes of their own that keep a step's time limit and output cap, survive the
/// healer, and leave the outcome where the next leader finds it.
///
/// One runner always waits for its order, so that starting a program does not eat into the step's `startBy`.
final class StepRunner: Sendable {
    private let executable: String
    private let spare = Mutex<SpawnedProcess?>(nil)

    /// - Parameter executable: this program.
    init(executable: String) {
        self.executable = executable
        self.prepare()
    }

    /// A runner whose healer has gone sees the end of its input, and ends. So does this one when it is not needed.
    deinit {
        self.spare.withLock {
            $0.map { EndedStep(result: StepResult(.notStarted), process: $0).finish(recorded: false) }
        }
    }

    /// A runner that cannot be started is a step that was not permitted.
    func run(_ order: StepOrder) async -> EndedStep {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.runBlocking(order)) }
        }
    }

    private static let queue = DispatchQueue(label: "steps", attributes: .concurrent)
    /// What a runner may take beyond its command's own limit.
    private static let slack = Duration.seconds(10)

    private func prepare() {
        let process = try? self.spawn()
        let unneeded = self.spare.withLock { spare in
            if spare == nil {
                spare = process
                return SpawnedProcess?.none
            }
            return process
        }
        if let unneeded { EndedStep(result: StepResult(.notStarted), process: unneeded).finish(recorded: false) }
    }

    private func spawn() throws(SpawnedProcess.Failure) -> SpawnedProcess {
        try SpawnedProcess(
            [self.executable, "step-runner"], environment: CommandSupervisor.cleanEnvironment, ownSession: true,
            pipes: [.input, .output])
    }

    private func runBlocking(_ order: StepOrder) -> EndedStep {
        let waiting = self.spare.withLock { spare in
            let taken = spare
            spare = nil
            return taken
        }
        defer { Self.queue.async { self.prepare() } }
        let process: SpawnedProcess
        do {
            if let waiting, waiting.reap() == nil { process = waiting } else { process = try self.spawn() }
        } catch {
            return EndedStep(result: StepResult(.notPermitted, output: "no runner: \(error)"), process: nil)
        }
        writeAll(process.input!, [UInt8](try! JSONEncoder().encode(order)) + [10])
        let limit = bootTime() + .milliseconds(order.limitMilliseconds) + Command.politeness + Self.slack
        let result =
            readLine(process.output!, until: limit)
            .flatMap { try? JSONDecoder().decode(StepResult.self, from: Data($0)) }
            ?? StepResult(.unknown, output: "the runner ended without an answer")
        return EndedStep(result: result, process: process)
    }

    /// Waits for its end, so that no zombie is left.
    fileprivate static func reap(_ process: SpawnedProcess) {
        Self.queue.async {
            var status: Int32 = 0
            while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
        }
    }
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
        StepRunner.reap(process)
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
func readLine(_ descriptor: Int32, until deadline: Moment?) -> [UInt8]? {
    var line: [UInt8] = []
    while true {
        let left = deadline.map { ($0 - bootTime()).wholeMilliseconds } ?? 1_000_000
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
