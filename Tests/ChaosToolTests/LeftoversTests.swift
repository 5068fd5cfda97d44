import Foundation
import Testing

@testable import ChaosTool

@Suite("Leftovers") struct LeftoversTests {
    @Test("What is mounted on a folder or below it is left behind there, and nowhere else")
    func mounts() async throws {
        // Every system has this one, and who runs the tests need not be allowed to mount another.
        let found = Leftovers().find(.directory("/proc"))
        #expect(found.contains("mount /proc"), "\(found)")
        #expect(Leftovers.mounts(below: "/pro") == [] && Leftovers.mounts(below: "/proc/self/task") == [])
        let answer = try await chaos(["leftovers", "--directory", "/proc"])
        #expect(answer.code == 1 && answer.output.contains("mount /proc\n"), "\(answer.output)")
        try await withFolder { folder in
            #expect(Leftovers().find(.directory(folder)) == ["file \(folder)"])
            // By whatever way one comes there.
            try FileManager.default.createSymbolicLink(atPath: "\(folder)/way", withDestinationPath: "/proc")
            #expect(Leftovers.mounts(below: "\(folder)/way").contains("/proc"))
        }
    }

    @Test("A mount's name is read as the kernel writes it")
    func names() {
        #expect(Leftovers.unescaped("/a\\040b\\134c") == "/a b\\c")
        #expect(Leftovers.unescaped("/plain\\x") == "/plain\\x")
        #expect(Leftovers.unescaped("/end\\04") == "/end\\04")
    }
}
