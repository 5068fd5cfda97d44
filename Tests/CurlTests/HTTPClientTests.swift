import Curl
import Foundation
import MicroHTTPD
import Testing

/// Runs a server on a free port and a client around `body`, and ends both on both ways out.
private func withServer(
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
    _ body: (HTTPClient, String) async throws -> Void
) async throws {
    let server = try HTTPServer(host: "127.0.0.1", port: 0, handler: handler)
    async let running: Void = server.run()
    let client = HTTPClient()
    let result: Result<Void, any Error>
    do {
        try await body(client, "http://127.0.0.1:\(server.port)")
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await client.close()
    await server.stop(grace: .milliseconds(100))
    await running
    try result.get()
}

private let never: @Sendable (HTTPRequest) async -> HTTPResponse = { _ in
    // Ends with the handler's cancellation.
    try? await Task.sleep(for: .seconds(3600))
    return HTTPResponse(status: 200)
}

@Suite("The HTTP client", .timeLimit(.minutes(2)))
struct HTTPClientTests {
    @Test("A GET brings status and body, whatever the status", arguments: [200, 404, 503])
    func get(status: Int) async throws {
        try await withServer {
            HTTPResponse(status: status, type: "text/plain", $0.path + ($0.query("q") ?? ""))
        } _: { client, url in
            let answer = try await client.get("\(url)/a?q=b%20c", timeout: .seconds(60))
            #expect(answer.status == status && answer.body == Array("/ab c".utf8))
            let date = try #require(answer.date)
            #expect(abs(date - Int64(Date().timeIntervalSince1970)) < 3600)
        }
    }

    @Test("A PATCH brings its body, and an answer may say when to come back")
    func patch() async throws {
        try await withServer { request in
            HTTPResponse(
                status: 429, headers: [.init("Retry-After", request.query("after") ?? "")],
                body: Array(request.method.utf8) + request.body)
        } _: { client, url in
            let call = HTTPCall(.patch, "\(url)/?after=7", body: Array("body".utf8))
            let answer = try await client.send(call, timeout: .seconds(60))
            #expect(answer.status == 429 && answer.body == Array("PATCHbody".utf8))
            #expect(answer.retryAfter == 7)
            for none in ["-1", "Fri,%2031%20Dec%201999%2023:59:59%20GMT", ""] {
                #expect(try await client.get("\(url)/?after=\(none)", timeout: .seconds(60)).retryAfter == nil)
            }
        }
    }

    @Test("200 requests at once are each answered with their own answer")
    func concurrent() async throws {
        try await withServer { request in
            await Task.yield()
            return HTTPResponse(status: 200, type: "text/plain", request.path)
        } _: { client, url in
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let answer = try await client.get("\(url)/\(number)", timeout: .seconds(60))
                        return String(decoding: answer.body, as: UTF8.self) == "/\(number)"
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == 200)
        }
    }

    @Test("An answer that does not come in time is timedOut")
    func timeout() async throws {
        try await withServer(handler: never) { client, url in
            #expect(await code { try await client.get(url, timeout: .milliseconds(50)) } == .timedOut)
        }
    }

    @Test("A body over the limit is tooLarge, and one at the limit is not")
    func limit() async throws {
        try await withServer { _ in
            HTTPResponse(status: 200, body: Array(repeating: 120, count: 5000))
        } _: { client, url in
            let whole = try await client.get(url, timeout: .seconds(60), limit: 5000)
            #expect(whole.body.count == 5000)
            #expect(await code { try await client.get(url, timeout: .seconds(60), limit: 4999) } == .tooLarge)
        }
    }

    @Test("A cancelled request ends as cancelled, before and after it was sent")
    func cancelled() async throws {
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        try await withServer { request in
            arrival.finish()
            return await never(request)
        } _: { client, url in
            let task = Task { await code { try await client.get(url, timeout: .seconds(60)) } }
            for await _ in arrived {}
            task.cancel()
            #expect(await task.value == .cancelled)

            let early = Task {
                for await _ in arrived {}
                return await code { try await client.get(url, timeout: .seconds(60)) }
            }
            early.cancel()
            #expect(await early.value == .cancelled)
        }
    }

    @Test("Closing ends what is under way, and refuses what comes after")
    func closed() async throws {
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        try await withServer { request in
            arrival.finish()
            return await never(request)
        } _: { client, url in
            async let open = code { try await client.get(url, timeout: .seconds(60)) }
            for await _ in arrived {}
            await client.close()
            #expect(await open == .closed)
            #expect(await code { try await client.get(url, timeout: .seconds(60)) } == .closed)
        }
    }

    @Test("Nobody at the port is cannotConnect, and other words have their codes")
    func refused() async throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { _ in HTTPResponse(status: 200) }
        await server.stop()
        let client = HTTPClient()
        let refused = await code { try await client.get("http://127.0.0.1:\(server.port)/", timeout: .seconds(60)) }
        let file = await code { try await client.get("file:///etc/hostname", timeout: .seconds(60)) }
        let bad = await code { try await client.get("http://[", timeout: .seconds(60)) }
        await client.close()
        #expect(refused == .cannotConnect)
        #expect(file == .badProtocol)
        #expect(bad == .badURL)
    }

    @Test("An error shows the URL without credentials and query")
    func redacted() async throws {
        let client = HTTPClient()
        do throws(CurlError) {
            _ = try await client.get("http://user:secret@[?token=x", timeout: .seconds(60))
            Issue.record("no error")
        } catch {
            #expect(error.url == "http://[")
            #expect(!error.description.contains("secret"))
        }
        await client.close()
    }
}

private func code(_ request: () async throws -> HTTPAnswer) async -> CurlError.Code? {
    do {
        _ = try await request()
        return nil
    } catch {
        return (error as? CurlError)?.code
    }
}
