import Curl
import Docker

/// A Docker engine that runs the nodes as containers: type `docker`.
struct DockerConfiguration: Hashable, Sendable {
    /// `unix:///PATH` or `tcp://HOST:PORT`, in which the host may be `${host}`.
    var engine: TextTemplate
    /// The container's name.
    var container: TextTemplate
    /// With it a TCP address is spoken to by TLS; `nil` means plain.
    var tls: HTTPCall.TLS?
    /// What a container is given to end in order before it is killed, of `stop` and `restart`.
    var stopTime: Duration

    static let standardStopTime = Duration.seconds(45)
}
