import Foundation
import Testing

@testable import ChaosTool

@Suite("Standard output that takes nothing")
struct LostOutputTests {
    /// Runs one of our programs until it ends.
    private func run(_ program: String, output: FileHandle) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try OwnProgram.beside(program))
        process.arguments = ["--help"]
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit, "\(program) ended by signal \(process.terminationStatus)")
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    @Test("A full disk below it is an error that is told", arguments: ["healer", "healer-chaos", "healerctl"])
    func full(program: String) throws {
        let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
        let (status, errors) = try self.run(program, output: full)
        #expect(status == 1)
        #expect(errors.hasPrefix("\(program): standard output"), "\(errors)")
        #expect(errors.split(separator: "\n").count == 1)
    }

    @Test("A reader that has gone is an error of the output, not the end of what is done by healer-chaos")
    func closed() throws {
        let pipe = Pipe()
        try pipe.fileHandleForReading.close()
        let (status, errors) = try self.run("healer-chaos", output: pipe.fileHandleForWriting)
        #expect(status == 1)
        #expect(errors.hasPrefix("healer-chaos: standard output"), "\(errors)")
    }
}
