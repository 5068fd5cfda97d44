import Foundation
import Synchronization

/// Text for people and scripts. Standard output carries the answer, standard error everything else.
enum Console {
    private static let isLost = Atomic(false)

    /// Whether standard output did not take all of the answer: nobody reads it any more, or its disk is full. What was
    /// begun goes on all the same.
    static var lostOutput: Bool { self.isLost.load(ordering: .relaxed) }

    static func print(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
        } catch {
            guard !self.isLost.exchange(true, ordering: .relaxed) else { return }
            self.error("healer-chaos: standard output takes nothing more: \(error.localizedDescription)")
        }
    }

    static func error(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}
