import MicroHTTPD
import Synchronization
import Testing

/// Runs a server on a free port around `body`, and stops it on both ways out.
func withServer<Result>(
    limits: HTTPServer.Limits = HTTPServer.Limits(),
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
    _ body: (HTTPServer) async throws -> Result
) async throws -> Result {
    let server = try HTTPServer(host: "127.0.0.1", port: 0, limits: limits, handler: handler)
    async let running: Void = server.run()
    do {
        let result = try await body(server)
        await server.stop()
        await running
        return result
    } catch {
        await server.stop()
        await running
        throw error
    }
}

@Suite("The HTTP server", .timeLimit(.minutes(2)))
struct HTTPServerTests {
    private static let echo: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
        HTTPResponse(
            status: 200, headers: [HTTPRequest.Field("X-Method", request.method)],
            body: Array("\(request.path)|\(request.query("a") ?? "-")|\(request.header("x-in") ?? "-")|".utf8)
                + request.body)
    }

    private func exchange(_ server: HTTPServer, _ text: String) async throws -> String {
        let connection = try RawConnection(port: server.port)
        defer { connection.close() }
        connection.send(text)
        return await connection.read()
    }

    @Test("A request reaches its handler with path, query and headers, and the answer comes back whole")
    func roundTrip() async throws {
        try await withServer(handler: Self.echo) { server in
            let answer = try await self.exchange(
                server, "GET /a%20b?a=%C3%A4&b HTTP/1.1\r\nHost: h\r\nX-In: in\r\nConnection: close\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nX-Method: GET\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n/a b|ä|in|"))
        }
    }

    @Test("HEAD gets the length of the answer, and no body")
    func head() async throws {
        try await withServer(handler: Self.echo) { server in
            let answer = try await self.exchange(
                server, "HEAD /abc HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(answer.contains("\r\nX-Method: HEAD\r\n"))
            #expect(answer.contains("\r\nContent-Length: 9\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test("A body within the limit reaches the handler, sent whole or in chunks")
    func bodies() async throws {
        try await withServer(handler: Self.echo) { server in
            let whole = try await self.exchange(
                server, "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
            #expect(whole.hasSuffix("/p|-|-|hello"))
            let chunked = try await self.exchange(
                server,
                "POST /p HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
            #expect(chunked.hasSuffix("/p|-|-|hello"))
        }
    }

    @Test("A connection serves one request after the other")
    func keepAlive() async throws {
        try await withServer(handler: Self.echo) { server in
            let connection = try RawConnection(port: server.port)
            defer { connection.close() }
            connection.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await connection.read(until: "/1|-|-|").hasSuffix("/1|-|-|"))
            connection.send("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(await connection.read(until: "/2|-|-|").hasSuffix("/2|-|-|"))
        }
    }

    @Test("A body over the limit is refused before it is sent, and never reaches the handler")
    func tooLarge() async throws {
        let called = Atomic(false)
        try await withServer { _ in
            called.store(true, ordering: .relaxed)
            return HTTPResponse(status: 200)
        } _: { server in
            let announced = try await self.exchange(
                server, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n")
            #expect(announced.hasPrefix("HTTP/1.1 413 "))
            // Without a length it is noticed on the way, where no answer is possible.
            let part = "8000\r\n" + String(repeating: "x", count: 0x8000) + "\r\n"
            let chunked = try await self.exchange(
                server, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + part + part + part)
            #expect(chunked == "")
            #expect(called.load(ordering: .relaxed) == false)
        }
    }

    @Test("Headers over the limit are refused")
    func largeHeaders() async throws {
        try await withServer(handler: Self.echo) { server in
            let large = String(repeating: "x", count: 40_000)
            let header = try await self.exchange(server, "GET / HTTP/1.1\r\nHost: h\r\nX: \(large)\r\n\r\n")
            #expect(header.hasPrefix("HTTP/1.1 431 "))
            let line = try await self.exchange(server, "GET /\(large) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(line.hasPrefix("HTTP/1.1 414 "))
        }
    }

    @Test("A client that stops in the middle of its request loses its connection, and holds nobody up")
    func slowClient() async throws {
        var limits = HTTPServer.Limits()
        limits.idle = .seconds(1)
        try await withServer(limits: limits, handler: Self.echo) { server in
            let slow = try RawConnection(port: server.port)
            defer { slow.close() }
            slow.send("GET /slow HTTP/1.1\r\nHo")
            let quick = try await self.exchange(
                server, "GET /quick HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(quick.hasSuffix("/quick|-|-|"))
            // Ends when the server closes.
            #expect(await slow.read().contains("/slow|") == false)
        }
    }

    @Test("A taken port is an error that names it")
    func portTaken() async throws {
        try await withServer(handler: Self.echo) { server in
            let error = await MicroHTTPDTests.error { () throws(HTTPServerError) in
                try HTTPServer(host: "127.0.0.1", port: server.port) { _ in HTTPResponse(status: 200) }
            }
            #expect(error?.reason == .portTaken)
            #expect(error?.description == "port \(server.port) on 127.0.0.1 is taken by another process")
        }
    }

    @Test(
        "A host that is none, or not this one, is an error that names it",
        arguments: ["no.such.host.invalid", "192.0.2.1"])
    func unknownHost(host: String) async {
        let error = await MicroHTTPDTests.error { () throws(HTTPServerError) in
            try HTTPServer(host: host, port: 0) { _ in HTTPResponse(status: 200) }
        }
        #expect(error?.reason == .unknownHost)
        #expect(error?.description.contains(host) == true)
    }

    @Test("Stopping waits for the answer of an open request")
    func stopWaits() async throws {
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        let (gate, opener) = AsyncStream<Never>.makeStream()
        var limits = HTTPServer.Limits()
        limits.grace = .seconds(60)
        try await withServer(limits: limits) { request in
            arrival.finish()
            for await _ in gate {}
            return HTTPResponse(status: 200, type: "text/plain", "late")
        } _: { server in
            let connection = try RawConnection(port: server.port)
            defer { connection.close() }
            connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            for await _ in arrived {}
            async let stopped: Void = server.stop()
            opener.finish()
            #expect(await connection.read().hasSuffix("late"))
            await stopped
            #expect(throws: RawConnection.Refused.self) { try RawConnection(port: server.port) }
        }
    }

    @Test("Stopping does not wait for a handler longer than its bound, and answers in its place")
    func stopIsBounded() async throws {
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        let (gate, opener) = AsyncStream<Never>.makeStream()
        try await withServer { request in
            arrival.finish()
            // Ends with the handler's cancellation as well, which comes after the stop.
            for await _ in gate {}
            return HTTPResponse(status: 200)
        } _: { server in
            let connection = try RawConnection(port: server.port)
            defer { connection.close() }
            connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            for await _ in arrived {}
            await server.stop(grace: .milliseconds(10))
            #expect(await connection.read().hasPrefix("HTTP/1.1 503 "))
            opener.finish()
        }
    }

    @Test("A server whose task is cancelled stops")
    func cancelled() async throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0, handler: Self.echo)
        let task = Task { await server.run() }
        task.cancel()
        await task.value
        #expect(throws: RawConnection.Refused.self) { try RawConnection(port: server.port) }
    }

    @Test("The same port can be had again after a stop")
    func restart() async throws {
        let port = try await withServer(handler: Self.echo) { server in
            _ = try await self.exchange(server, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            return server.port
        }
        let again = try HTTPServer(host: "127.0.0.1", port: port, handler: Self.echo)
        await again.stop()
    }
}

/// The error that `work` throws; `nil`, with an issue recorded, if it throws none.
func error(_ work: () throws(HTTPServerError) -> HTTPServer) async -> HTTPServerError? {
    do {
        let server = try work()
        await server.stop()
        Issue.record("no error")
        return nil
    } catch {
        return error
    }
}
