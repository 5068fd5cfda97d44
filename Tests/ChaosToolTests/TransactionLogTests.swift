import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("ZooKeeper's transaction log") struct TransactionLogTests {
    private func int32(_ number: Int32) -> [UInt8] { WireBytes.int32(number) }
    private func int64(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    private func buffer(_ bytes: [UInt8]) -> [UInt8] { self.int32(Int32(bytes.count)) + bytes }
    private func text(_ text: String) -> [UInt8] { self.buffer(Array(text.utf8)) }

    private var header: [UInt8] { self.int32(0x5A4B_4C47) + self.int32(2) + self.int64(0) }

    private func record(_ zxid: Int64, _ kind: Int32, _ body: [UInt8]) -> [UInt8] {
        let bytes = self.int64(5) + self.int32(1) + self.int64(zxid) + self.int64(1000 + zxid) + self.int32(kind) + body
        return self.int64(Int64(Adler32.of(bytes))) + self.buffer(bytes) + [UInt8(ascii: "B")]
    }

    @Test("A file is read up to its padding, and up to where it is torn")
    func reading() {
        let set = self.text("/a") + self.text("x") + self.int32(3)
        let multi =
            self.int32(2) + self.int32(13) + self.buffer(self.text("/c") + self.int32(4)) + self.int32(2)
            + self.buffer(self.text("/d"))
        let file = self.header + self.record(7, 5, set) + self.record(8, 14, multi) + self.record(9, -11, [])
        let expected: [[TreeChange]] = [
            [.set(path: "/a", data: Array("x".utf8), version: 3)],
            [.checked(path: "/c", version: 3), .deleted(path: "/d")], [.sessionEnded],
        ]
        #expect(TransactionLog.transactions(in: file).map(\.changes) == expected)
        #expect(TransactionLog.transactions(in: file + [UInt8](repeating: 0, count: 64)).map(\.changes) == expected)
        #expect(TransactionLog.transactions(in: Array(file.dropLast(3))).map(\.zxid) == [7, 8])
        var damaged = file
        damaged[60] ^= 1
        #expect(TransactionLog.transactions(in: damaged).isEmpty)
        #expect(TransactionLog.transactions(in: []).isEmpty)
        #expect(TransactionLog.transactions(in: file).first?.time == WallTime(1007))
        #expect(TransactionLog.transactions(in: file).first?.session == 5)
    }

    @Test("Only what a majority has counts, once, in order")
    func majority() {
        func log(_ zxids: [Int64]) -> [Transaction] {
            zxids.map { Transaction(zxid: $0, session: 1, time: WallTime($0), changes: []) }
        }
        let committed = TransactionLog.committed([log([1, 2, 2, 4]), log([2, 1]), log([1, 3])], servers: 3)
        #expect(committed.map(\.zxid) == [1, 2])
    }

    @Test("The sum of `Wikipedia` is the one that the encyclopaedia gives")
    func adler() {
        #expect(Adler32.of(Array("Wikipedia".utf8)) == 0x11E6_0398)
    }
}
