import Cluster
import Dispatch
import Glibc

/// An operator's argument vector, run without a shell: clean environment, own process group, working directory `/`, no
/// inherited descriptors, a time limit, capped output.
struct Command: Hashable, Sendable {
    /// The first is the program: a path, or a name that is looked up in `PATH` of ``environment``.
    let arguments: [String]
    /// All of it: nothing is inherited.
    let environment: [String: String]
    var limit: Duration
    /// Bytes kept of each of the two outputs.
    var cap = 16 * 1024
    /// Whether what it has begun may go on once it has succeeded, as a program that a start leaves in the background.
    /// Otherwise, and when it fails or reaches its limit, its process group ends with it.
    var leavesProcesses = false
    /// Whether it is a step of ours, which says by ``StepResult/yieldStatus`` that it gave way to somebody else.
    var mayYield = false
    /// Whether it is ended when the leadership that permitted it is over, instead of running to its end.
    var isInterruptible = false

    /// How long a process group has between SIGTERM and SIGKILL once the limit is reached.
    static let politeness = Duration.seconds(1)

    /// Runs it on a thread that may wait.
    func run() async -> CommandResult {
        await withCheckedContinuation { continuation in
            Self.queue.async { continuation.resume(returning: self.runBlocking()) }
        }
    }

    private static let queue = DispatchQueue(label: "commands", attributes: .concurrent)

    /// Waits until the command has ended, at most ``limit`` and ``politeness``.
    /// - Parameters:
    ///   - interruption: a descriptor: the command is ended when something can be read there, or its other side is closed.
    ///   - begun: called once it runs.
    func runBlocking(interruption: Int32? = nil, begun: () -> Void = {}) -> CommandResult {
        let begin = bootTime()
        let process: SpawnedProcess
        do {
            process = try SpawnedProcess(
                self.arguments, environment: self.environment, ownSession: false, pipes: [.output, .errors])
        } catch {
            return CommandResult(
                end: .notStarted(errno: error.code, reason: error.description),
                milliseconds: (bootTime() - begin).wholeMilliseconds,
                output: CappedBuffer(cap: 1).text, errors: CappedBuffer(cap: 1).text)
        }
        begun()
        var outlet = Outlet(process, cap: self.cap, interruption: interruption)
        let end = outlet.drain(until: begin + self.limit, leavesProcesses: self.leavesProcesses)
        return CommandResult(
            end: end, milliseconds: (bootTime() - begin).wholeMilliseconds, output: outlet.output.text,
            errors: outlet.errors.text)
    }

    /// Reads both outputs of a process until it has ended.
    private struct Outlet {
        let process: SpawnedProcess
        var output: CappedBuffer
        var errors: CappedBuffer
        private var open: [(descriptor: Int32, isOutput: Bool)]
        /// `nil` once it has come.
        private var interruption: Int32?
        private var isInterrupted = false

        init(_ process: SpawnedProcess, cap: Int, interruption: Int32?) {
            self.process = process
            self.interruption = interruption
            self.output = CappedBuffer(cap: cap)
            self.errors = CappedBuffer(cap: cap)
            self.open = [(process.output!, true), (process.errors!, false)]
        }

        mutating func drain(until deadline: Moment, leavesProcesses: Bool) -> CommandResult.End {
            defer { for (descriptor, _) in self.open { close(descriptor) } }
            var killAt: Moment?
            var overdue = false
            while true {
                // Both outputs closed is how most commands end; then the process is reaped within a millisecond or so.
                // Only one whose grandchild holds them is looked after by the clock.
                self.read(waiting: self.open.isEmpty ? 1 : 100)
                if let status = self.process.reap() {
                    // A grandchild may hold the pipes: what is there is taken, and no more is waited for.
                    self.read(waiting: 0)
                    if killAt != nil || status != .code(0) || !leavesProcesses { self.process.signalGroup(SIGKILL) }
                    return killAt == nil ? .exited(status) : overdue ? .timedOut : .interrupted
                }
                let now = bootTime()
                if let limit = killAt, now >= limit {
                    self.process.signalGroup(SIGKILL)
                } else if killAt == nil, self.isInterrupted || now >= deadline {
                    overdue = !self.isInterrupted
                    killAt = now + Command.politeness
                    self.process.signalGroup(SIGTERM)
                }
            }
        }

        private mutating func read(waiting milliseconds: Int32) {
            // One that is negative is not looked at.
            let interruption = self.interruption ?? -1
            var polled = (self.open.map(\.descriptor) + [interruption]).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return }
            if polled.last!.revents != 0 {
                self.isInterrupted = true
                self.interruption = nil
            }
            for (entry, slot) in zip(polled, self.open) where entry.revents != 0 {
                var bytes = [UInt8](repeating: 0, count: 65536)
                let count = Glibc.read(entry.fd, &bytes, bytes.count)
                if count > 0 {
                    if slot.isOutput {
                        self.output.append(bytes[..<count])
                    } else {
                        self.errors.append(bytes[..<count])
                    }
                } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                    close(entry.fd)
                    self.open.removeAll { $0.descriptor == entry.fd }
                }
            }
        }
    }
}

/// CLOCK_BOOTTIME.
func bootTime() -> Moment {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}
