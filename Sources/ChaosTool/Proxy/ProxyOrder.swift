import Cluster

/// Where bytes go through the proxy.
enum ProxyDirection: String, Hashable, Sendable, CaseIterable {
    case toServer = "to-server"
    case toClient = "to-client"
}

/// What the proxy is told. Each takes effect before it is acknowledged.
enum ProxyOrder: Hashable, Sendable {
    /// Bytes of these directions wait in the proxy, up to its bound and then with their sender, until ``release``.
    case hold(Set<ProxyDirection>)
    /// From now on no reply passes, once a request with these bytes (1 to 256) has been forwarded: they may be answered,
    /// but whoever asked does not hear of it. Said by ``ProxyEvent/heldAfter``. Arms once.
    case holdAfter([UInt8])
    /// Ends every hold, an armed one too; what waited is delivered.
    case release
    /// Bytes of these directions vanish, ends of connections too, as on a cut cable.
    case cut(Set<ProxyDirection>)
    /// Ends the cut and the half-open. Connections that have lost bytes are reset, for what follows would make no sense.
    case heal
    /// Every connection is reset towards both sides.
    case reset
    /// New connections are refused by the kernel; those that stand stay.
    case refuse
    /// Ends ``refuse``, on the same port.
    case accept
    /// Everything read from now on is delivered so much later.
    case delay(Duration)
    /// And by up to so much later yet, at random; the bytes of a connection keep their order.
    case jitter(Duration)
    /// In bytes a second, for each direction of each connection; 0 is as fast as it goes.
    case bandwidth(Int)
    /// The server's side of every connection is gone, and its client is not told: what it sends vanishes. New connections
    /// are taken, and nobody answers them. Until ``heal``.
    case halfOpen
    case status
}

enum ProxyEvent: Hashable, Sendable {
    /// The request with the awaited bytes has been forwarded, and its reply is held.
    case heldAfter
}

/// What the proxy holds and does at the moment.
struct ProxyStatus: Hashable, Sendable {
    var connections = 0
    /// Connections that have lost bytes in a cut.
    var damaged = 0
    /// In bytes, waiting in the proxy.
    var heldToServer = 0
    var heldToClient = 0
    var held: Set<ProxyDirection> = []
    var cut: Set<ProxyDirection> = []
    var refusing = false
    /// Whether a ``ProxyOrder/holdAfter(_:)`` still waits for its bytes.
    var armed = false

    /// One line that a script can read.
    var line: String {
        func words(_ directions: Set<ProxyDirection>) -> String {
            directions.isEmpty ? "none" : directions.map(\.rawValue).sorted().joined(separator: ",")
        }
        return
            "connections=\(self.connections) damaged=\(self.damaged) held=\(words(self.held)) cut=\(words(self.cut)) "
            + "refusing=\(self.refusing) armed=\(self.armed) "
            + "bytes-to-server=\(self.heldToServer) bytes-to-client=\(self.heldToClient)"
    }
}

extension ProxyOrder {
    static let usage = """
        hold [to-client|to-server]   release        cut [to-client|to-server]   heal
        hold-after TEXT              reset          refuse                      accept
        delay MILLISECONDS           status         jitter MILLISECONDS         half-open
        bandwidth BYTES-A-SECOND
        """

    /// A line of the control channel, without its end. Without a direction both are meant.
    init(line: String) throws {
        let words = line.split(separator: " ", maxSplits: 1).map(String.init)
        guard let word = words.first else { throw UsageError("an empty order") }
        let rest = words.count == 2 ? words[1] : ""
        func directions() throws -> Set<ProxyDirection> {
            if rest.isEmpty { return Set(ProxyDirection.allCases) }
            guard let direction = ProxyDirection(rawValue: rest) else {
                throw UsageError.unknown("direction", rest, among: ProxyDirection.allCases.map(\.rawValue))
            }
            return [direction]
        }
        switch word {
        case "hold": self = .hold(try directions())
        case "hold-after":
            guard (1...256).contains(rest.utf8.count) else { throw UsageError("hold-after takes 1 to 256 bytes") }
            self = .holdAfter(Array(rest.utf8))
        case "release": self = .release
        case "cut": self = .cut(try directions())
        case "heal": self = .heal
        case "reset": self = .reset
        case "refuse": self = .refuse
        case "accept": self = .accept
        case "delay":
            guard let number = Int(rest), (0...60_000).contains(number) else {
                throw UsageError("delay takes milliseconds from 0 to 60000")
            }
            self = .delay(.milliseconds(number))
        case "jitter":
            guard let number = Int(rest), (0...60_000).contains(number) else {
                throw UsageError("jitter takes milliseconds from 0 to 60000")
            }
            self = .jitter(.milliseconds(number))
        case "bandwidth":
            guard let number = Int(rest), (0...1_000_000_000).contains(number) else {
                throw UsageError("bandwidth takes bytes a second from 0 (no bound) to 1000000000")
            }
            self = .bandwidth(number)
        case "half-open": self = .halfOpen
        case "status": self = .status
        default:
            throw UsageError.unknown(
                "order", word,
                among: [
                    "hold", "hold-after", "release", "cut", "heal", "reset", "refuse", "accept", "delay", "jitter",
                    "bandwidth", "half-open", "status",
                ])
        }
    }
}
