internal import CMicroHTTPD
internal import Synchronization

/// The requests under way: what the library calls back with.
///
/// A connection is suspended and resumed only under the lock, so that none can be left suspended when the server stops:
/// the library ends the process if it finds one.
final class Traffic: Sendable {
    /// What the handlers are to answer. Bounded by the limit of connections, each of which has one request at a time.
    let incoming: AsyncStream<Exchange>

    private let bodyLimit: Int
    private let input: AsyncStream<Exchange>.Continuation
    private let state = Mutex(State())

    private struct State {
        var isStopping = false
        /// Finished when no request is under way.
        var emptied: [AsyncStream<Never>.Continuation] = []
        /// Presented by the library and not completed.
        var open = 0
        /// Those of them that wait for a handler.
        var suspended: [ObjectIdentifier: Exchange] = [:]
    }

    init(bodyLimit: Int) {
        self.bodyLimit = bodyLimit
        (self.incoming, self.input) = AsyncStream.makeStream()
    }

    // MARK: For the server

    /// From now on new requests are refused with 503.
    func stopAdmitting() {
        self.state.withLock { $0.isStopping = true }
    }

    /// Ends when no request is under way. One for each reader: a cancelled reader ends its stream.
    func drained() -> AsyncStream<Never> {
        let (stream, emptied) = AsyncStream<Never>.makeStream()
        self.state.withLock { state in
            if state.open == 0 { emptied.finish() } else { state.emptied.append(emptied) }
        }
        return stream
    }

    /// Answers everything that still waits for a handler. After ``stopAdmitting()``.
    func abandon() {
        self.state.withLock { state in
            precondition(state.isStopping)
            for exchange in state.suspended.values {
                exchange.response = .stopping
                MHD_resume_connection(exchange.connection)
            }
            state.suspended = [:]
        }
        self.input.finish()
    }

    /// Does nothing if the exchange has been abandoned.
    func finish(_ exchange: Exchange, with response: HTTPResponse) {
        self.state.withLock { state in
            guard state.suspended.removeValue(forKey: ObjectIdentifier(exchange)) != nil else { return }
            exchange.response = response
            MHD_resume_connection(exchange.connection)
        }
    }

    // MARK: On the library's thread

    fileprivate func opened() { self.state.withLock { $0.open += 1 } }

    fileprivate func closed() {
        self.state.withLock { state in
            state.open -= 1
            guard state.open == 0 else { return }
            for emptied in state.emptied { emptied.finish() }
            state.emptied = []
        }
    }

    fileprivate func isTooLarge(_ exchange: Exchange) -> Bool {
        // A length that is no number is refused by the library itself.
        exchange.request.header("Content-Length").flatMap { Int($0) }.map { $0 > self.bodyLimit } ?? false
    }

    fileprivate func accept(_ exchange: Exchange, _ bytes: UnsafeRawBufferPointer) -> Bool {
        exchange.append(bytes, limit: self.bodyLimit)
    }

    /// The answer, if there is one already; otherwise the connection is suspended until there is.
    fileprivate func answer(_ exchange: Exchange) -> HTTPResponse? {
        self.state.withLock { state in
            if let response = exchange.response { return response }
            if state.isStopping { return .stopping }
            MHD_suspend_connection(exchange.connection)
            state.suspended[ObjectIdentifier(exchange)] = exchange
            self.input.yield(exchange)
            return nil
        }
    }

    fileprivate static func at(_ pointer: UnsafeMutableRawPointer) -> Traffic {
        Unmanaged<Traffic>.fromOpaque(pointer).takeUnretainedValue()
    }
}

/// Called once when the headers are there, once for each part of the body, once when the request is complete, and once
/// more after the connection was resumed.
let accessCallback: MHD_AccessHandlerCallback = { context, connection, url, method, _, bytes, count, slot in
    let traffic = Traffic.at(context!)
    guard let pointer = slot!.pointee else {
        let exchange = Exchange(
            connection: connection!, method: String(cString: method!), path: String(cString: url!))
        slot!.pointee = exchange.asPointer
        traffic.opened()
        return traffic.isTooLarge(exchange)
            ? HTTPResponse.tooLarge.queue(on: connection!, closing: true) : .goOn
    }
    let exchange = Exchange.at(pointer)
    if count!.pointee > 0 {
        // Closes the connection: the library takes no answer in the middle of a body.
        guard traffic.accept(exchange, UnsafeRawBufferPointer(start: bytes, count: count!.pointee)) else {
            return .close
        }
        count!.pointee = 0
        return .goOn
    }
    guard let response = traffic.answer(exchange) else { return .goOn }
    return response.queue(on: connection!)
}

/// Called once for every request that the access handler has seen, however it ended.
let completedCallback: MHD_RequestCompletedCallback = { context, _, slot, _ in
    guard let pointer = slot!.pointee else { return }
    slot!.pointee = nil
    _ = Exchange.taken(from: pointer)
    Traffic.at(context!).closed()
}

extension HTTPResponse {
    fileprivate static let stopping = HTTPResponse(status: 503, type: "text/plain", "stopping\n")
    fileprivate static let tooLarge = HTTPResponse(status: 413, type: "text/plain", "the body is too large\n")
}
