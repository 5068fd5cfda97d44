import Foundation
import Testing

@testable import Daemon

@Suite("Secrets")
struct SecretTests {
    let directory = TemporaryDirectory()

    private func text(_ password: String) -> String {
        "coordination: {zookeeper: z, digest: {username: u, password: \"\(password)\"}}\n"
            + "clusters: [{name: a, kafka: {bootstrap.servers: b}}]\n"
    }
    private func surroundings(_ environment: [String: String] = [:], readable: Bool = false) -> Surroundings {
        Surroundings(
            environment: environment, hostName: "h", directory: self.directory.path, isReadableByOthers: readable)
    }
    private func password(_ text: String, _ surroundings: Surroundings) throws -> String? {
        try Configuration(reading: Array(text.utf8), file: "c", surroundings: surroundings)
            .coordination.access.digest?.password.revealed
    }

    private struct Holder { let secret: Secret }

    @Test("A secret prints as *** however it is printed")
    func prints() {
        let secret = Secret("hush")
        var dumped = ""
        dump(Holder(secret: secret), to: &dumped)
        for shown in [
            "\(secret)", String(reflecting: secret), String(describing: [secret]), "\(Holder(secret: secret))",
            "\(PropertyValue.secret(secret))", String(reflecting: PropertyValue.secret(secret)),
            "\(EnsembleAccess.Credentials(user: "u", password: secret))", dumped,
        ] {
            #expect(!shown.contains("hush"), "\(shown)")
        }
    }

    @Test("A secret comes from a file of its owner alone, without its line end")
    func file() throws {
        self.directory.file("secret", "hush \n")
        #expect(try self.password(self.text("file:secret"), self.surroundings()) == "hush ")
        let path = "\(self.directory.path)/secret"
        #expect(try self.password(self.text("file:\(path)"), self.surroundings()) == "hush ")
        #expect(try self.password(self.text("${WHERE}"), self.surroundings(["WHERE": "file:secret"])) == "hush ")
    }

    @Test(
        "A secret file that others may use is refused, whatever they may do",
        arguments: [0o640, 0o604, 0o620, 0o601, 0o644, 0o777])
    func modes(mode: Int) {
        self.directory.file("secret", "hush", mode: mode_t(mode))
        let problems = Sample.problems(self.text("file:secret"), surroundings: self.surroundings())
        #expect(problems.count == 1)
        #expect(problems.first?.contains("(mode \(String(mode, radix: 8))); `chmod 600 ") == true)
        #expect(problems.first?.contains("hush") == false)
    }

    @Test("Only a file with one line of text can be a secret")
    func content() {
        self.directory.file("empty", "\n")
        self.directory.file("two", "a\nb\n")
        self.directory.file("long", String(repeating: "x", count: SecretFile.maximumSize + 1))
        for (name, problem) in [
            ("empty", "which is empty"), ("two", "more than one line"), ("long", "longer than 65536 bytes"),
            ("missing", "cannot be read: No such file"), (".", "which is not a file"),
        ] {
            let problems = Sample.problems(self.text("file:\(name)"), surroundings: self.surroundings())
            #expect(problems.count == 1)
            #expect(problems.first?.contains(problem) == true, "\(problems)")
        }
    }

    @Test("A secret in a file that others may read is refused; from the environment it is not")
    func readable() throws {
        let problems = Sample.problems(self.text("hush"), surroundings: self.surroundings(readable: true))
        #expect(problems.count == 1)
        #expect(problems.first?.contains("is a secret in a file that others may read") == true)
        #expect(!Sample.problems(self.text("${P:-hush}"), surroundings: self.surroundings(readable: true)).isEmpty)
        #expect(try self.password(self.text("hush"), self.surroundings()) == "hush")
        #expect(try self.password(self.text("${P}"), self.surroundings(["P": "hush"], readable: true)) == "hush")
    }

    @Test("No secret stands in an error, an entry or a summary")
    func leaks() throws {
        let text = """
            coordination: {zookeeper: z, digest: {username: u, password: "${P}"}}
            clusters: [{name: a, kafka: {bootstrap.servers: b, sasl.password: "${P}", ssl.key.pem: "${P}"}, zookeeper: y,
              supervisor: {type: command, status: [/s], environment: {API_TOKEN: "${P}"}}}]

            """
        let loaded = try Sample.load(text, ["P": "hush"])
        #expect(!loaded.entries.map(\.description).joined().contains("hush"))
        #expect(loaded.entries.filter { $0.value == "***" }.count == 4)
        #expect(!loaded.configuration.summary.contains("hush"))
        #expect(!"\(loaded.configuration)".contains("hush"))
        #expect(!Sample.problems(text + "healers: 0\n", ["P": "hush"]).joined().contains("hush"))
    }
}
