internal import CRdKafka

/// Why a call failed: librdkafka's reason or the broker's, and which call it was.
public struct KafkaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A value of `rd_kafka_resp_err_t`: the broker's own codes are positive, librdkafka's are negative.
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        public static let none = Code(RD_KAFKA_RESP_ERR_NO_ERROR)
        /// No answer within the limit of the call.
        public static let timedOut = Code(RD_KAFKA_RESP_ERR__TIMED_OUT)
        /// A message was not acknowledged within `message.timeout.ms`.
        public static let messageTimedOut = Code(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        /// The connection to a broker failed or broke.
        public static let transport = Code(RD_KAFKA_RESP_ERR__TRANSPORT)
        public static let allBrokersDown = Code(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        /// A broker's name could not be resolved.
        public static let unresolvable = Code(RD_KAFKA_RESP_ERR__RESOLVE)
        /// A property, or an argument, that librdkafka does not accept.
        public static let invalidArgument = Code(RD_KAFKA_RESP_ERR__INVALID_ARG)
        /// The producer holds as many messages as it may; room comes with the next delivery reports.
        public static let queueFull = Code(RD_KAFKA_RESP_ERR__QUEUE_FULL)
        /// Given up because the client was closed.
        public static let purged = Code(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        /// Given up because the client was closed; the broker may have it all the same.
        public static let purgedInFlight = Code(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        /// A call after `close()`.
        public static let closed = Code(RD_KAFKA_RESP_ERR__DESTROY)
        /// Our task was cancelled while a question was under way.
        public static let interrupted = Code(RD_KAFKA_RESP_ERR__INTR)
        public static let authentication = Code(RD_KAFKA_RESP_ERR__AUTHENTICATION)
        public static let tls = Code(RD_KAFKA_RESP_ERR__SSL)
        public static let unknownTopic = Code(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        public static let unknownPartition = Code(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        /// From a broker: it does not have this topic or partition.
        public static let unknownTopicOrPartition = Code(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        public static let leaderNotAvailable = Code(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
        public static let replicaNotAvailable = Code(RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE)
        public static let topicExists = Code(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        public static let saslAuthenticationFailed = Code(RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED)
        public static let unsupportedMechanism = Code(RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM)
        public static let topicAuthorizationFailed = Code(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        public static let clusterAuthorizationFailed = Code(RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)

        /// Such as `_TIMED_OUT` or `LEADER_NOT_AVAILABLE`.
        public var name: String { String(cString: rd_kafka_err2name(rd_kafka_resp_err_t(self.rawValue))) }
        public var description: String { String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(self.rawValue))) }

        init(_ code: rd_kafka_resp_err_t) { self.rawValue = code.rawValue }
    }

    public let code: Code
    /// What was asked for, such as "metadata".
    public let operation: String
    /// In the library's words, without secrets; empty when the code says it all.
    public let detail: String

    public init(_ code: Code, operation: String, detail: String = "") {
        self.code = code
        self.operation = operation
        self.detail = detail
    }

    /// Who we say we are, or what we may do, was refused: trying again will not help until somebody changes the
    /// configuration. A failed TLS handshake is not counted, since a cut connection can end one as well.
    public var isAuthenticationFailure: Bool {
        switch self.code {
        case .authentication, .saslAuthenticationFailed, .unsupportedMechanism, .topicAuthorizationFailed,
            .clusterAuthorizationFailed:
            true
        default: false
        }
    }

    public var description: String {
        self.detail.isEmpty
            ? "\(self.operation): \(self.code) (\(self.code.name))"
            : "\(self.operation): \(self.detail) (\(self.code.name))"
    }
}
