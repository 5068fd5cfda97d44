import Testing

@testable import ChaosTool

@Suite struct CommandLineTests {
    @Test("Options, flags and words are told apart, with either form of value")
    func taken() throws {
        let line = try Arguments(
            ["up", "--name", "a", "--name=b", "--fast", "kafka-1"], options: ["--name"], flags: ["--fast"])
        #expect(line.words == ["up", "kafka-1"])
        #expect(line.all("--name") == ["a", "b"])
        #expect(line.value("--name") == "b")
        #expect(line.has("--fast"))
    }

    @Test(
        "A wrong line says what would be right",
        arguments: [
            (["--brokrs", "3"], "unknown option '--brokrs': did you mean '--brokers'?"),
            (["--brokers"], "--brokers needs a value"),
            (["--quiet=1"], "--quiet takes no value"),
            (["--brokers", "many"], "--brokers takes a whole number from 0 to 9, not 'many'"),
            (["--brokers", "10"], "--brokers takes a whole number from 0 to 9, not '10'"),
        ])
    func wrong(arguments: [String], message: String) throws {
        do {
            let line = try Arguments(arguments, options: ["--brokers"], flags: ["--quiet"])
            _ = try line.integer("--brokers", in: 0...9, standard: 3)
            Issue.record("accepted \(arguments)")
        } catch let error as UsageError {
            #expect(error.description == message)
        }
    }

    @Test(
        "A wrong word is exit 2 and names the nearest known one",
        arguments: [
            (["sandbx"], "did you mean 'sandbox'?"),
            (["sandbox", "don"], "did you mean 'down'?"),
            (["sandbox", "node", "strat", "kafka-1", "--directory", "/nowhere"], "did you mean 'start'?"),
            (["leftovers", "--dirctory", "x"], "did you mean '--directory'?"),
            ([], "usage: healer-chaos COMMAND"),
        ])
    func words(arguments: [String], message: String) async throws {
        let ended = try await chaos(arguments)
        #expect(ended.code == 2)
        #expect(ended.errors.contains(message))
        #expect(ended.output == "")
    }

    @Test(
        "Help goes to standard output and is no error",
        arguments: [
            ["--help"], ["sandbox", "--help"], ["sandbox", "up", "--help"], ["sandbox", "node", "--help"],
            ["leftovers", "-h"],
        ])
    func help(arguments: [String]) async throws {
        let ended = try await chaos(arguments)
        #expect(ended.code == 0)
        #expect(ended.output.hasPrefix("usage: healer-chaos"))
        #expect(!ended.output.contains("keeper --directory"))
    }

    @Test("Down where nothing is, is done")
    func downOfNothing() async throws {
        try await withFolder { folder in
            let ended = try await chaos(["sandbox", "down", "--directory", "\(folder)/none"])
            #expect(ended.code == 0)
        }
    }

    @Test("Up refuses a folder that holds something else, and leaves it as it is")
    func foreignFolder() async throws {
        try await withFolder { folder in
            try AtomicFile.write(["letter"], to: "\(folder)/letter.json")
            let ended = try await chaos(["sandbox", "up", "--directory", folder])
            #expect(ended.code == 1)
            #expect(ended.errors.contains("not empty, and not a sandbox"))
            #expect(AtomicFile.read([String].self, from: "\(folder)/letter.json") == ["letter"])
        }
    }

    @Test("Without Kafka, up says what fetches it")
    func noKafka() async throws {
        try await withFolder { folder in
            let ended = try await chaos(
                ["sandbox", "up", "--directory", "\(folder)/sandbox"],
                environment: ["KAFKA_HOME": "", "HEALER_CACHE": folder])
            #expect(ended.code == 1)
            #expect(ended.errors.contains("`scripts/kafka-home` fetches it"))
            #expect(Leftovers().find(.directory("\(folder)/sandbox")) == [])
        }
    }
}
