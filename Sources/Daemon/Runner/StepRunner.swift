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
    private struct Runner {
        let process: SpawnedProcess
        let isInGroup: Bool
    }

    private let executable: String
    private let usesGroups: Bool
    private let spare = Mutex<Runner?>(nil)
    private let groupAbsence = Mutex<StepGroup.Absence?>(nil)

    /// - Parameters:
    ///   - executable: this program.
    ///   - usesGroups: whether steps get a ``StepGroup`` each where that is permitted.
    init(executable: String, usesGroups: Bool = true) {
        self.executable = executable
        self.usesGroups = usesGroups
        self.prepare()
    }

    /// A runner whose healer has gone sees the end of its input, and ends. So does this one when it is not needed.
    deinit {
        self.spare.withLock {
            $0.map { EndedStep(result: StepResult(.notStarted), process: $0.process).finish(recorded: false) }
        }
    }

    /// Why what a step leaves behind is known by its process group and the mark in its environment only, as of the last
    /// runner that was started; `nil` if each has a ``StepGroup``.
    var withoutGroup: StepGroup.Absence? { self.groupAbsence.withLock { $0 } }

    /// Tells a runner what is to be done, which it does not begin yet: if its healer ends before it says so, the runner puts
    /// down that the step was never begun.
    /// - Throws: a runner that cannot be started is a step that was not permitted.
    func arm(_ order: StepOrder) async throws(SpawnedProcess.Failure) -> ArmedStep {
        let armed = await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.armBlocking(order)) }
        }
        return try armed.get()
    }

    fileprivate static let queue = DispatchQueue(label: "steps", attributes: .concurrent)

    private func prepare() {
        let runner = try? self.spawn()
        let unneeded = self.spare.withLock { spare in
            if spare == nil {
                spare = runner
                return Runner?.none
            }
            return runner
        }
        if let unneeded {
            EndedStep(result: StepResult(.notStarted), process: unneeded.process).finish(recorded: false)
        }
    }

    /// A runner is this same program, and may have to speak to the ensemble through the same library. Its commands get an
    /// environment of their own.
    private static let environment: [String: String] = {
        let own = ProcessInfo.processInfo.environment.filter { $0.key == "LD_LIBRARY_PATH" }
        return CommandSupervisor.cleanEnvironment.merging(own) { $1 }
    }()

    /// Moving a process into another group may keep the kernel waiting, so it is done before there is an order.
    private func spawn() throws(SpawnedProcess.Failure) -> Runner {
        var group: StepGroup?
        var absence: StepGroup.Absence?
        if self.usesGroups {
            do throws(StepGroup.Absence) { group = try StepGroup() } catch { absence = error }
        } else {
            absence = StepGroup.Absence(description: "not wanted")
        }
        let process: SpawnedProcess
        do throws(SpawnedProcess.Failure) {
            process = try SpawnedProcess(
                [self.executable, "step-runner"] + (group.map { [$0.path] } ?? []),
                environment: Self.environment, ownSession: true, pipes: [.input, .output])
        } catch {
            group?.remove()
            throw error
        }
        do throws(StepGroup.Absence) {
            try group?.take(process.pid)
        } catch {
            absence = error
            group?.remove()
        }
        self.groupAbsence.withLock { $0 = absence }
        return Runner(process: process, isInGroup: absence == nil)
    }

    private func armBlocking(_ order: StepOrder) -> Result<ArmedStep, SpawnedProcess.Failure> {
        let waiting = self.spare.withLock { spare in
            let taken = spare
            spare = nil
            return taken
        }
        defer { Self.queue.async { self.prepare() } }
        let runner: Runner
        do {
            if let waiting, waiting.process.reap() == nil { runner = waiting } else { runner = try self.spawn() }
        } catch {
            return .failure(error)
        }
        let process = runner.process
        var order = order
        order.isInGroup = runner.isInGroup
        writeAll(process.input!, [UInt8](try! JSONEncoder().encode(order)) + [10])
        return .success(ArmedStep(order: order, process: process))
    }

    /// Waits for its end, so that no zombie is left.
    fileprivate static func reap(_ process: SpawnedProcess) {
        Self.queue.async {
            var status: Int32 = 0
            while waitpid(process.pid, &status, 0) < 0 && errno == EINTR {}
        }
    }
}

/// A step that a runner waits to begin. One of its calls is to be made, once.
struct ArmedStep: Sendable {
    static let begin: [UInt8] = Array("begin".utf8)
    static let dropped: [UInt8] = Array("dropped".utf8)

    fileprivate let order: StepOrder
    fileprivate let process: SpawnedProcess

    /// What a runner may take beyond its command's own limit.
    private static let slack = Duration.seconds(10)

    /// Has it done.
    /// - Parameter interruption: only of an order that is interruptible.
    func begin(_ interruption: StepInterruption? = nil) async -> EndedStep {
        guard interruption?.begin(self.process.input!) ?? true else {
            return self.drop(StepResult(.notStarted, output: "its leadership was over"))
        }
        let ended = await withCheckedContinuation { continuation in
            StepRunner.queue.async { continuation.resume(returning: self.beginBlocking()) }
        }
        interruption?.end()
        return ended
    }

    /// It is not to be done. That is recorded like any other outcome.
    func drop(_ result: StepResult) -> EndedStep {
        writeAll(self.process.input!, Self.dropped + [10])
        return EndedStep(result: result, process: self.process)
    }

    private func beginBlocking() -> EndedStep {
        writeAll(self.process.input!, Self.begin + [10])
        let limit = bootTime() + .milliseconds(self.order.limitMilliseconds) + Command.politeness + Self.slack
        var output = LineReader(self.process.output!)
        let result =
            output.next(until: limit)
            .flatMap { try? JSONDecoder().decode(StepResult.self, from: Data($0)) }
            ?? StepResult(.unknown, output: "the runner ended without an answer")
        return EndedStep(result: result, process: self.process)
    }
}

/// What came of a step, and the runner that waits to hear that this was recorded.
struct EndedStep: Sendable {
    static let recorded: [UInt8] = Array("recorded".utf8)

    let result: StepResult
    fileprivate let process: SpawnedProcess

    /// To be called once.
    /// - Parameter recorded: false leaves the recording to the runner.
    func finish(recorded: Bool) {
        if recorded { writeAll(self.process.input!, Self.recorded + [10]) }
        close(self.process.input!)
        close(self.process.output!)
        StepRunner.reap(self.process)
    }
}

/// Writes all of it, or as much as the other side takes before it is gone.
///
/// - Returns: 0, or the `errno` of the write that failed.
@discardableResult
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            return errno
        }
    }
    return 0
}

/// What the other side of a pipe says, line by line.
struct LineReader {
    let descriptor: Int32
    /// Read already, of lines that nobody has asked for.
    private var rest: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Whether more has been read than was asked for.
    var hasMore: Bool { !self.rest.isEmpty }

    /// The bytes before the next newline; `nil` if the other side closes first, or the deadline passes.
    mutating func next(until deadline: Moment?) -> [UInt8]? {
        while true {
            if let end = self.rest.firstIndex(of: 10) {
                defer { self.rest.removeSubrange(...end) }
                return Array(self.rest[..<end])
            }
            guard let bytes = self.more(until: deadline) else { return nil }
            self.rest += bytes
        }
    }

    private func more(until deadline: Moment?) -> ArraySlice<UInt8>? {
        while true {
            let left = deadline.map { ($0 - bootTime()).wholeMilliseconds } ?? 1_000_000
            var polled = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&polled, 1, Int32(min(left, 1_000_000))) >= 0 else { return nil }
            guard polled.revents != 0 else { continue }
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = read(self.descriptor, &bytes, bytes.count)
            return count > 0 ? bytes[..<count] : nil
        }
    }
}
