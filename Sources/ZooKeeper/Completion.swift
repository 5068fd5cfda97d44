internal import CZooKeeper
import Synchronization

/// A call under way, as far as the list of calls needs to know it.
protocol PendingCall: AnyObject, Sendable {
    var operation: String { get }
    var path: String { get }
    /// Resumes the caller; only the first of all results counts.
    func fail(_ error: ZooKeeperError)
}

/// What one call of the library gets as its context.
///
/// The list of calls under way keeps it until the library has called back or has stopped, so the library is handed a bare
/// address: it may call back late, after our own deadline has resumed the caller, or never, and nothing dangles or leaks.
final class Completion<Value: Sendable>: PendingCall {
    let operation: String
    let path: String
    let memory: MultiMemory?
    private let connection: Connection
    private let continuation: CheckedContinuation<Result<Value, ZooKeeperError>, Never>
    /// Beside the continuation and not a `Mutex` around it: the compiler of Swift 6.0.3 ends with a failed assertion
    /// on a mutex whose value is generic in `Value`, on every build from scratch.
    private let isResumed = Atomic(false)

    init(
        operation: String, path: String, memory: MultiMemory?, connection: Connection,
        _ continuation: CheckedContinuation<Result<Value, ZooKeeperError>, Never>
    ) {
        self.operation = operation
        self.path = path
        self.memory = memory
        self.connection = connection
        self.continuation = continuation
    }

    var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    func finish(_ result: Result<Value, ZooKeeperError>) {
        guard !self.isResumed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.continuation.resume(returning: result)
    }

    func fail(_ error: ZooKeeperError) { self.finish(.failure(error)) }

    /// The library's answer has come. Called by the callbacks below, once, on the completion thread.
    ///
    /// - Parameter value: Copies what C owns; `nil` if the code is a failure.
    static func answered(_ context: UnsafeRawPointer?, _ code: Int32, _ value: (Completion<Value>) -> Value?) {
        let completion = Unmanaged<Completion<Value>>.fromOpaque(context!).takeUnretainedValue()
        if let value = value(completion) {
            completion.connection.answered(completion, success: true, heard: true)
            completion.finish(.success(value))
        } else {
            // What a server says is numbered from -100 down.
            completion.connection.answered(completion, success: false, heard: code <= ZAPIERROR.rawValue)
            completion.fail(completion.error(ZooKeeperError.Code(rawValue: code)))
        }
    }

    private func error(_ code: ZooKeeperError.Code) -> ZooKeeperError {
        let place = self.memory?.failedOperation(code)
        return ZooKeeperError(
            code, operation: self.operation,
            path: place.flatMap { self.memory?.operations[$0].path } ?? self.path, failedOperation: place)
    }
}

// The callbacks stand at file scope: inside isolated code they would inherit that isolation, and trap on C's thread.

let pathCompletion: string_completion_t = { code, path, context in
    Completion<String>.answered(context, code) { _ in code == ZOK.rawValue ? path.map { String(cString: $0) } : nil }
}

let dataCompletion: data_completion_t = { code, bytes, count, stat, context in
    Completion<NodeContent>.answered(context, code) { _ in
        guard code == ZOK.rawValue, let stat else { return nil }
        // A node without data has a length of -1.
        let data = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : max(0, Int(count)))
        return NodeContent(data: [UInt8](data), stat: NodeStat(stat.pointee))
    }
}

let statCompletion: stat_completion_t = { code, stat, context in
    Completion<NodeStat>.answered(context, code) { _ in
        code == ZOK.rawValue ? stat.map { NodeStat($0.pointee) } : nil
    }
}

let existsCompletion: stat_completion_t = { code, stat, context in
    Completion<NodeStat?>.answered(context, code) { _ in
        switch code {
        case ZOK.rawValue: .some(stat.map { NodeStat($0.pointee) })
        case ZNONODE.rawValue: .some(nil)
        default: nil
        }
    }
}

let namesCompletion: strings_completion_t = { code, names, context in
    Completion<[String]>.answered(context, code) { _ in
        guard code == ZOK.rawValue, let names = names?.pointee else { return nil }
        return (0..<Int(names.count)).map { String(cString: names.data[$0]!) }
    }
}

let aclCompletion: acl_completion_t = { code, acl, _, context in
    Completion<[AccessRule]>.answered(context, code) { _ in
        code == ZOK.rawValue ? acl.map { [AccessRule]($0.pointee) } : nil
    }
}

let voidCompletion: void_completion_t = { code, context in
    Completion<Done>.answered(context, code) { _ in code == ZOK.rawValue ? Done() : nil }
}

let multiCompletion: void_completion_t = { code, context in
    Completion<[OperationResult]>.answered(context, code) { completion in
        code == ZOK.rawValue ? completion.memory?.values() : nil
    }
}
