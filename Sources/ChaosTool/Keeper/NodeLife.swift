import Cluster
import Foundation

/// `state.json`: the present life of a node's process, or the last one. Written by its keeper only.
struct NodeLife: Hashable, Sendable, Codable {
    let process: LocalProcess
    let keeper: LocalProcess
    /// ISO 8601, UTC.
    let started: String
    var ended: String?
    /// How it ended, once the keeper has reaped it.
    var exit: ExitRecord?

    var identity: ProcessIdentity { self.process.identity }
}

/// A process's end in the form that the `command` contract prints: `{"code":0}` or `{"signal":9}`.
struct ExitRecord: Hashable, Sendable, Codable {
    var code: Int32?
    var signal: Int32?

    var status: ExitStatus? { self.code.map { .code($0) } ?? self.signal.map { .signal($0) } }

    init(_ status: ExitStatus) {
        switch status {
        case .code(let code): self.code = code
        case .signal(let signal): self.signal = signal
        }
    }
    /// From what `waitpid` says of a process that has ended.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self.init(signal == 0 ? .code((waitStatus >> 8) & 0xff) : .signal(signal))
    }
}
