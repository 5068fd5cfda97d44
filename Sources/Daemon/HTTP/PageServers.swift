import Admin
import Cluster
import MicroHTTPD
import Synchronization

/// The listeners of a healer. They listen before anything else begins, so that a taken port is said at once; until there
/// is something to show they answer 503.
final class PageServers: Sendable {
    private let source = Mutex<(any StatusSource)?>(nil)

    /// The API first. All of them, or none.
    func listen(_ configuration: APIConfiguration) async throws(HTTPServerError) -> [HTTPServer] {
        let api = try self.server(configuration.host, configuration.port, .all)
        guard let port = configuration.metricsPort else { return [api] }
        do throws(HTTPServerError) {
            return [api, try self.server(configuration.host, port, .metricsOnly)]
        } catch {
            await api.stop()
            throw error
        }
    }

    func show(_ source: any StatusSource) { self.source.withLock { $0 = source } }

    private func server(
        _ host: String, _ port: UInt16, _ pages: StatusRouter.Pages
    ) throws(HTTPServerError) -> HTTPServer {
        try HTTPServer(host: host, port: port) { request in
            guard let source = self.source.withLock({ $0 }) else {
                return HTTPResponse(status: 503, type: "text/plain", "starting\n")
            }
            return await StatusRouter(source, pages: pages).answer(request)
        }
    }
}
