import Kubernetes
import Testing

@Suite("Names of objects")
struct ObjectNameTests {
    @Test("A name may stand in a path as it is", arguments: ["kafka-1", "a", "kafka.example", "0", "a--b"])
    func allowed(text: String) {
        #expect(ObjectName(text)?.text == text)
    }

    @Test(
        "What has another character, or none, is none",
        arguments: ["", "-a", "a-", ".a", "a.", "a..b", "../a", "a/b", "A", "a_b", "a b", "a?x", "a%2f", "ä"])
    func refused(text: String) {
        #expect(ObjectName(text) == nil)
    }

    @Test("A StatefulSet's pod is called by its set and its place")
    func places() throws {
        let place = try #require(ObjectName("kafka-east-12")?.inSet)
        #expect(place.set.text == "kafka-east" && place.ordinal == 12)
        for text in ["kafka", "12", "kafka-1a", "kafka-"] { #expect(ObjectName(text)?.inSet == nil, "\(text)") }
    }
}
