import Synchronization
import Testing

@testable import RdKafka

@Suite("Properties")
struct PropertiesTests {
    @Test("A property that librdkafka does not know is an error that names it")
    func unknown() {
        let error = self.failure(["bootstrap.servers": "127.0.0.1:1", "bootstrap.sevrers": "127.0.0.1:1"])
        #expect(error?.code == .invalidArgument)
        #expect(error?.description.contains("unknown property \"bootstrap.sevrers\"") == true)
    }

    @Test("A value that librdkafka does not accept is an error that names the property")
    func impossible() {
        let error = self.failure(["bootstrap.servers": "127.0.0.1:1", "socket.timeout.ms": "soon"])
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail.contains("socket.timeout.ms") == true)
    }

    @Test("Properties that contradict each other are an error when the client starts")
    func contradiction() {
        let error = self.failure([
            "bootstrap.servers": "127.0.0.1:1", "security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "PLAIN",
        ])
        #expect(error?.operation == "start")
        #expect(error?.detail.isEmpty == false)
    }

    @Test(
        "The value of a secret property is in no error",
        arguments: ["sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem"])
    func secret(name: String) {
        #expect(ClientProperties.isSecret(name))
        let properties = [
            "bootstrap.servers": "127.0.0.1:1", name: "tapioca-72", "security.protocol": "SASL_SSL",
            "sasl.mechanisms": "PLAIN", "sasl.username": "healer", "ssl.ca.location": "/nowhere/tapioca-72",
        ]
        let error = self.failure(properties)
        #expect(error != nil)
        #expect(error?.description.contains("tapioca") == false)
    }

    @Test("Secret values are taken out of log lines, wherever they stand")
    func redacted() {
        let properties = ClientProperties(["sasl.password": "tapioca", "sasl.username": "healer"])
        #expect(properties.redacted("tapioca: no tapioca for healer") == "***: no *** for healer")
        #expect(properties.redacted("nothing to hide") == "nothing to hide")
    }

    @Test("librdkafka's own lines reach the closure", .timeLimit(.minutes(1)))
    func log() async throws {
        let (lines, sink) = AsyncStream.makeStream(of: LogLine.self, bufferingPolicy: .bufferingOldest(10))
        let client = try KafkaClient(["bootstrap.servers": "127.0.0.1:1"]) { sink.yield($0) }
        _ = try? await client.metadata(timeout: .milliseconds(200))
        let line = try #require(await lines.first { _ in true })
        #expect(!line.facility.isEmpty && !line.message.isEmpty)
    }

    private func failure(_ properties: [String: String]) -> KafkaError? {
        do throws(KafkaError) {
            _ = try KafkaClient(properties)
            return nil
        } catch {
            return error
        }
    }
}
