import Cluster
import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite("Commands are argument vectors, bounded in time and output")
struct CommandTests {
    private func run(_ arguments: [String], limit: Duration = .seconds(30), environment: [String: String] = [:]) async
        -> CommandResult
    {
        await Command(arguments: arguments, environment: environment, limit: limit).run()
    }

    @Test("What a command prints and how it ends is kept")
    func prints() async {
        let result = await self.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"])
        #expect(result.end == .exited(.code(7)))
        #expect(result.output.text == "out\n")
        #expect(result.errors.text == "err\n")
    }

    @Test("A command that was killed by somebody says by which signal")
    func signalled() async {
        let result = await self.run(["/bin/sh", "-c", "kill -9 $$"])
        #expect(result.end == .exited(.signal(9)))
    }

    @Test("No shell reads an argument")
    func noShell() async {
        let hostile = ["; touch /tmp/owned", "$(id)", "`id`", "a\nb", "-n", "*", "'\"", "|cat"]
        for text in hostile {
            let result = await self.run(["/usr/bin/printf", "%s", text])
            #expect(result.output.text == text)
        }
    }

    @Test("Nothing of the healer's environment or descriptors is inherited")
    func clean() async throws {
        setenv("HEALER_SECRET_CANARY", "s3cret", 1)
        defer { unsetenv("HEALER_SECRET_CANARY") }
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        let environment = await self.run(["/usr/bin/env"], environment: ["ONE": "1"])
        #expect(environment.output.text == "ONE=1\n")
        let descriptors = await self.run(["/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; pwd"])
        // 3 is the folder that ls reads.
        #expect(descriptors.output.text == "0 1 2 3 /\n")
    }

    @Test("A command at its limit is ended with all its children, also if it ignores SIGTERM")
    func limit() async throws {
        let marker = "\(UInt32.random(in: 100_000...999_999))"
        let result = await self.run(
            ["/bin/sh", "-c", "trap '' TERM; sleep 1\(marker) & sleep 1\(marker)"], limit: .milliseconds(300))
        #expect(result.end == .timedOut)
        let left = await self.run([
            "/bin/sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c '[s]leep 1\(marker)'",
        ])
        #expect(left.output.text == "0\n")
    }

    @Test("A flood of output is read to its end, and only its head and tail are kept")
    func flood() async {
        let result = await self.run([
            "/bin/sh", "-c", "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last",
        ])
        #expect(result.succeeded)
        #expect(result.output.head.hasPrefix("first\n"))
        #expect(result.output.tail.hasSuffix("\nlast\n"))
        #expect(result.output.head.utf8.count + result.output.tail.utf8.count <= 16 * 1024)
        #expect(result.output.dropped > 49_000_000)
    }

    @Test("A grandchild that keeps the outputs open does not hold up the result")
    func grandchild() async {
        let begin = bootTime()
        let result = await self.run(["/bin/sh", "-c", "sleep 120 & echo done"], limit: .seconds(100))
        #expect(result.succeeded)
        #expect(bootTime() - begin < .seconds(60))
    }

    @Test("What a command leaves in the background goes on where it may and the command succeeds, and ends otherwise")
    func background() async throws {
        for (leaves, code, isLeft) in [(true, 0, true), (true, 3, false), (false, 0, false)] {
            let script = "sleep 120 >/dev/null 2>&1 & echo $!; exit \(code)"
            let command = Command(
                arguments: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"], limit: .seconds(100),
                leavesProcesses: leaves)
            let result = await command.run()
            let pid = try #require(pid_t(result.output.text.trimmingCharacters(in: .whitespacesAndNewlines)))
            let deadline = bootTime() + .seconds(isLeft ? 0 : 60)
            while Command.runs(pid), bootTime() < deadline { usleep(10_000) }
            #expect(Command.runs(pid) == isLeft, "leaves: \(leaves), exit: \(code)")
            kill(pid, SIGKILL)
        }
    }

    @Test(
        "What cannot be executed is a permission problem, which no further attempt mends",
        arguments: [
            ["/nonexistent/program"], ["/etc/passwd"], ["no-such-program-anywhere"], ["/bin/sh", "-c", "exit 126"],
        ])
    func permission(arguments: [String]) async {
        let result = await self.run(arguments)
        #expect(result.isPermissionProblem)
        #expect(!result.summary.isEmpty)
    }

    @Test("A capped buffer keeps the first and the last bytes, however they arrive", arguments: [1, 3, 7, 1000])
    func capped(chunk: Int) {
        let bytes = (0..<1000).map { UInt8(97 + $0 % 26) }
        var buffer = CappedBuffer(cap: 20)
        var rest = bytes[...]
        while !rest.isEmpty {
            buffer.append(rest.prefix(chunk))
            rest = rest.dropFirst(chunk)
        }
        #expect(buffer.text.head == String(decoding: bytes.prefix(10), as: UTF8.self))
        #expect(buffer.text.tail == String(decoding: bytes.suffix(10), as: UTF8.self))
        #expect(buffer.text.dropped == 980)
    }
}

extension Command {
    /// A zombie does not.
    static func runs(_ pid: pid_t) -> Bool {
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return stat.split(separator: ")").last.map { !$0.hasPrefix(" Z") } ?? false
    }
}
