import Cluster
import Foundation

/// One transaction of a ZooKeeper ensemble.
struct Transaction: Hashable, Sendable {
    let zxid: Int64
    let session: Int64
    /// By the clock of the server that led then.
    let time: WallTime
    let changes: [TreeChange]
}

enum TreeChange: Hashable, Sendable {
    case created(path: String, data: [UInt8], isEphemeral: Bool)
    /// The data version that the node has afterwards.
    case set(path: String, data: [UInt8], version: Int32)
    case deleted(path: String)
    /// In a multi: the node had this data version, or none of it would be here.
    case checked(path: String, version: Int32)
    /// The session ended, and its ephemeral nodes with it.
    case sessionEnded
}

/// What the servers of an ensemble have written down, as `org.apache.zookeeper.server.persistence.FileTxnLog` of 3.5 to
/// 3.9 writes it: the one witness of what healers may have done, and when.
enum TransactionLog {
    private static let magic: Int32 = 0x5A4B_4C47

    /// What a server has written so far, in order; empty where it has written nothing.
    static func files(in folder: String) -> [[UInt8]] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("log.") }
            .sorted { (UInt64($0.dropFirst(4), radix: 16) ?? 0) < (UInt64($1.dropFirst(4), radix: 16) ?? 0) }
            .compactMap { ProcFile.bytes("\(folder)/\($0)") }
    }

    /// The transactions of one file, up to its end or to where it is torn, as a running server's last record may be.
    static func transactions(in file: [UInt8]) -> [Transaction] {
        var bytes = LogBytes(file[...])
        guard let magic = try? bytes.int32(), magic == self.magic, (try? bytes.skip(12)) != nil else { return [] }
        var found: [Transaction] = []
        while let checksum = try? bytes.int64(), let length = try? bytes.int32(), length > 0,
            let record = try? bytes.take(Int(length)), (try? bytes.take(1).first) == UInt8(ascii: "B"),
            Int64(Adler32.of(record)) == checksum, let transaction = try? self.transaction(record)
        {
            found.append(transaction)
        }
        return found
    }

    /// What a majority of so many servers has, in the order of the ensemble: committed, or about to be.
    static func committed(_ logs: [[Transaction]], servers: Int) -> [Transaction] {
        var seen: [Int64: (transaction: Transaction, count: Int)] = [:]
        for log in logs {
            for (zxid, transaction) in Dictionary(log.map { ($0.zxid, $0) }, uniquingKeysWith: { $1 }) {
                seen[zxid, default: (transaction, 0)].count += 1
            }
        }
        return seen.values.filter { $0.count > servers / 2 }.map(\.transaction).sorted { $0.zxid < $1.zxid }
    }

    private static func transaction(_ record: ArraySlice<UInt8>) throws -> Transaction {
        var bytes = LogBytes(record)
        let session = try bytes.int64()
        _ = try bytes.int32()
        let zxid = try bytes.int64()
        let time = WallTime(try bytes.int64())
        let changes = try self.changes(try bytes.int32(), &bytes)
        return Transaction(zxid: zxid, session: session, time: time, changes: changes)
    }

    /// The numbers are those of `ZooDefs.OpCode`.
    private static func changes(_ kind: Int32, _ bytes: inout LogBytes) throws -> [TreeChange] {
        switch kind {
        case 1, 15, 19, 21:
            let (path, data) = (try bytes.string(), try bytes.buffer())
            for _ in 0..<max(0, try bytes.int32()) {
                _ = try bytes.int32()
                _ = try (bytes.string(), bytes.string())
            }
            // Containers and nodes with a time to live have no such mark.
            let isEphemeral = kind == 1 || kind == 15 ? try bytes.take(1).first == 1 : false
            return [.created(path: path, data: data, isEphemeral: isEphemeral)]
        case 2, 20: return [.deleted(path: try bytes.string())]
        case 5: return [.set(path: try bytes.string(), data: try bytes.buffer(), version: try bytes.int32())]
        // Written as the version that a write would have led to (`PrepRequestProcessor.checkAndIncVersion`).
        case 13: return [.checked(path: try bytes.string(), version: try bytes.int32() - 1)]
        case 14:
            var changes: [TreeChange] = []
            for _ in 0..<max(0, try bytes.int32()) {
                let kind = try bytes.int32()
                var inner = LogBytes(try bytes.buffer()[...])
                changes += try self.changes(kind, &inner)
            }
            return changes
        case -11: return [.sessionEnded]
        // A new session, new access rules, a write that failed: nothing in the tree changes.
        default: return []
        }
    }
}

/// Jute's numbers and strings: big-endian, length first.
private struct LogBytes {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: ArraySlice<UInt8>) { self.rest = bytes }

    private struct TooShort: Error {}

    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, self.rest.count >= count else { throw TooShort() }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }
    mutating func skip(_ count: Int) throws { _ = try self.take(count) }
    mutating func int32() throws -> Int32 {
        Int32(bitPattern: try self.take(4).reduce(0) { $0 << 8 | UInt32($1) })
    }
    mutating func int64() throws -> Int64 {
        Int64(bitPattern: try self.take(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
    /// Empty for Jute's null.
    mutating func buffer() throws -> [UInt8] { Array(try self.take(max(0, Int(try self.int32())))) }
    mutating func string() throws -> String { String(decoding: try self.buffer(), as: UTF8.self) }
}

/// RFC 1950, section 8.2.
enum Adler32 {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var (a, b): (UInt32, UInt32) = (1, 0)
        for byte in bytes {
            a = (a + UInt32(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return b << 16 | a
    }
}
