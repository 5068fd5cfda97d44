internal import CMicroHTTPD
internal import Glibc

/// Why a server could not start.
public struct HTTPServerError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// Something else listens there.
        case portTaken
        /// A port below 1024 without the right to it.
        case notPermitted
        /// The host is not an address of this machine, or no host at all.
        case unknownHost
        /// Any other `errno`.
        case system(Int32)
    }
    public let reason: Reason
    public let host: String
    public let port: UInt16

    public var description: String {
        // A Unix socket has no port.
        let place = self.port == 0 && self.host.hasPrefix("/") ? self.host : nil
        return switch self.reason {
        case .portTaken where place != nil: "another process listens at \(self.host)"
        case .notPermitted where place != nil: "no permission to make the socket \(self.host)"
        case .system(let number) where place != nil:
            "cannot listen at \(self.host): \(String(cString: strerror(number)))"
        case .portTaken: "port \(self.port) on \(self.host) is taken by another process"
        case .notPermitted: "no permission to listen on port \(self.port) of \(self.host)"
        case .unknownHost: "\(self.host) is not an address of this machine (port \(self.port))"
        case .system(let number):
            "cannot listen on port \(self.port) of \(self.host): \(String(cString: strerror(number)))"
        }
    }
}
