import Glibc
import Testing

@testable import ZooKeeper

/// The descriptors of this process that are connected somewhere, and where.
func socketPeers() -> [Int32: SocketAddress] {
    var peers: [Int32: SocketAddress] = [:]
    for descriptor in openDescriptors() {
        peers[descriptor] = SocketAddress { getpeername(descriptor, $0, &$1) }
    }
    return peers
}

extension RealEnsemble {
    @Suite struct SocketTests {
        private func sockets(to server: String?) -> [Int32] {
            socketPeers().filter { $0.value.description == server }.map(\.key)
        }

        @Test("No child inherits a connection, the first or a later one, nor the library's pipe")
        func closeOnExec() async throws {
            let before = Set(openDescriptors())
            try await withSession { session in
                for _ in 0..<3 {
                    let found = self.sockets(to: session.server)
                    #expect(!found.isEmpty)
                    for descriptor in found { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
                    let states = collectStates(session)
                    #expect(session.disconnect())
                    try await states.reach(3)
                }
                var pipes = 0
                for descriptor in openDescriptors() where !before.contains(descriptor) {
                    var status = stat()
                    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO,
                        fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0
                    else { continue }
                    pipes += 1
                    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
                }
                #expect(pipes >= 2)
            }
        }

        @Test("Of several connections to one server, a session cuts its own")
        func ownConnection() async throws {
            let server = try await Ensemble.shared.servers[0]
            try await withSession({ $0.servers = server.address }) { first in
                try await withSession({ $0.servers = server.address }) { second in
                    let plain = connectTo(server.port)
                    defer { close(plain) }
                    #expect(self.sockets(to: server.address).count >= 3)
                    let firsts = collectStates(first)
                    let seconds = collectStates(second)
                    #expect(first.disconnect())
                    try await firsts.reach(3)
                    #expect(try await second.exists("/zookeeper") != nil)
                    #expect(seconds.values.count == 1)
                    #expect(second.disconnect())
                    try await seconds.reach(3)
                    #expect(firsts.values.count == 3)
                    var byte: UInt8 = 0
                    #expect(recv(plain, &byte, 1, Int32(MSG_DONTWAIT)) == -1 && errno == EAGAIN)
                }
            }
        }
    }
}

extension RealEnsemble {
    @Suite struct LibraryTests {
        @Test("However many lines the library has said, the next one costs no more than the first")
        func manyLines() {
            LibraryLog.capture(.error) { _ in }
            // As many frames would not fit on any stack.
            for _ in 0..<200_000 { LibraryLog.callback("1:1(0x1):ZOO_ERROR@f@1: text") }
        }

        @Test("What the library logs reaches the sink, with its level and its function")
        func log() async throws {
            let heard = Heard<LibraryLog.Line>()
            LibraryLog.capture(.info) { heard.add($0) }
            defer { LibraryLog.capture(.error) { _ in } }
            try await withSession { _ in }
            let line = heard.values.first { $0.message.hasPrefix("Initiating client connection, host=") }
            #expect(line?.level == .info)
            #expect(line?.function == "zookeeper_init_internal")
            #expect(heard.values.allSatisfy { !$0.message.isEmpty && !$0.message.hasSuffix("\n") })
        }

        @Test("Of the library's levels, those at which it uses what it has freed cannot be asked for")
        func levels() {
            #expect(LibraryLog.Level.allCases.map(\.rawValue) == [1, 2, 3])
        }

        @Test("The features are those of the loaded library")
        func features() throws {
            let library = try #require(dlopen("libzookeeper_mt.so.2", RTLD_NOW))
            defer { dlclose(library) }
            #expect(dlsym(library, "zookeeper_init2") != nil)
            #expect(LibraryFeatures.loaded.tls == (dlsym(library, "zookeeper_init_ssl") != nil))
            #expect(LibraryFeatures.loaded.sasl == (dlsym(library, "zookeeper_init_sasl") != nil))
        }
    }
}
