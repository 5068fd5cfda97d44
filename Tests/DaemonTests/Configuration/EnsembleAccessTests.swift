import Testing
@testable import ZooKeeper

@testable import Daemon

@Suite("What protects the way to an ensemble") struct EnsembleAccessTests {
    /// Of a machine whose library has both, and where every file is there.
    private func surroundings(_ obstacle: String? = nil) -> Surroundings {
        var surroundings = Sample.surroundings(["PW": "hush"])
        surroundings.obstacle = { $0 == .none ? nil : obstacle }
        return surroundings
    }

    private func text(_ coordination: String, _ cluster: String = "") -> String {
        """
        coordination: {zookeeper: zk-1, \(coordination)}
        clusters: [{name: c, kafka: {bootstrap.servers: "b:1"}, zookeeper: zk-1\(cluster)}]

        """
    }

    private func read(_ text: String) throws -> LoadedConfiguration {
        try Configuration.load(Array(text.utf8), file: "c.yaml", surroundings: self.surroundings())
    }

    private let files = "{ca_file: /ca, certificate_file: /c, key_file: /k, key_password: \"${PW}\"}"
    private let user = "{username: u, password: \"${PW}\"}"

    @Test("TLS goes with a digest, of the healers' ensemble and of a cluster's, and no secret is shown")
    func tls() throws {
        let loaded = try self.read(
            self.text(
                "tls: \(self.files), digest: \(self.user)",
                ", zookeeper_tls: \(self.files), discovery: {zookeeper: false}"))
        let tls = Session.Security.tls(.init(authorities: "/ca", certificate: "/c", key: "/k", passphrase: "hush"))
        #expect(loaded.configuration.coordination.access.security == tls)
        #expect(loaded.configuration.coordination.access.owners == [.init(scheme: "digest", user: "u")])
        #expect(loaded.configuration.clusters[0].zooKeeperAccess.security == tls)
        #expect(!loaded.entries.contains { $0.description.contains("hush") })
        #expect(!"\(loaded.configuration)".contains("hush"))
        #expect(loaded.entries.contains { $0.description.contains("coordination.tls.key_password: ***") })
        let bare = try self.read(self.text("tls: {ca_file: /ca, certificate_file: /c, key_file: /k}"))
        #expect(bare.configuration.coordination.access.owners.isEmpty)
    }

    @Test("With SASL what we create is its user's")
    func sasl() throws {
        let loaded = try self.read(self.text("sasl: \(self.user)", ", zookeeper_sasl: \(self.user)"))
        let access = loaded.configuration.coordination.access
        #expect(access.security == .sasl(.init(user: "u", password: "hush")))
        #expect(access.owners == [.init(scheme: "sasl", user: "u")])
        #expect(loaded.configuration.clusters[0].zooKeeperAccess == access)
        #expect(!"\(loaded.configuration)".contains("hush"))
        // While healers move from the one to the other.
        let both = try self.read(self.text("digest: {username: d, password: \"${PW}\"}, sasl: \(self.user)"))
        #expect(both.configuration.coordination.access.owners.map(\.user) == ["d", "u"])
    }

    @Test(
        "What does not go together, or lacks a part, is named",
        arguments: [
            ("sasl: USER, tls: FILES", "`coordination.sasl` stands beside `tls`"),
            ("sasl: {username: u}", "`coordination.sasl.password` is missing"),
            ("tls: ~", "`coordination.tls` has nothing after it, which would protect nothing"),
            ("sasl: ", "`coordination.sasl` has nothing after it, which would protect nothing"),
            ("tls: {ca_file: /ca, key_file: /k}", "`coordination.tls.certificate_file` is missing"),
            ("tls: {ca_file: ca, certificate_file: /c, key_file: /k}", "`coordination.tls.ca_file`"),
            ("tls: {ca_fil: /ca, certificate_file: /c, key_file: /k}", "did you mean `ca_file`"),
        ])
    func problems(lines: String, problem: String) {
        let lines = lines.replacing("USER", with: self.user).replacing("FILES", with: self.files)
        let problems = Sample.problems(self.text(lines), surroundings: self.surroundings())
        #expect(problems.contains { $0.contains(problem) }, "\(problems)")
    }

    @Test("What stands against using it is an error at its place")
    func obstacle() {
        for (lines, place) in [
            ("tls: \(self.files)", "coordination.tls"), ("sasl: \(self.user)", "coordination.sasl"),
        ] {
            let problems = Sample.problems(self.text(lines), surroundings: self.surroundings("no such thing here"))
            #expect(problems.count == 1)
            #expect(
                problems.first?.contains(": `\(place)` cannot be used: no such thing here") == true,
                "\(problems)")
        }
        let cluster = self.text("root: /r", ", zookeeper_tls: \(self.files), discovery: {zookeeper: false}")
        #expect(
            Sample.problems(cluster, surroundings: self.surroundings("no")).first?
                .contains("`clusters[0].zookeeper_tls` cannot be used: no") == true)
    }

    @Test("Servers behind TLS are not looked at in the clear")
    func discovery() {
        let problems = Sample.problems(
            self.text("root: /r", ", zookeeper_tls: \(self.files)"), surroundings: self.surroundings())
        #expect(problems.count == 1)
        #expect(problems.first?.contains("`clusters[0].zookeeper_tls` leaves its servers to be looked at") == true)
        let both = Sample.problems(
            self.text("sasl: \(self.user), tls: \(self.files)"), surroundings: self.surroundings("no"))
        #expect(both.count == 1, "\(both)")
    }

    @Test("A rule of somebody else's is a stranger's, the name in our own certificate is none")
    func strangers() {
        let ours = AccessRule(.all, scheme: "sasl", id: "u")
        let ownName = AccessRule(.all, scheme: "x509", id: "CN=client")
        let world = AccessRule(.all, scheme: "world", id: "anyone")
        func strangers(_ rules: [AccessRule]) -> [AccessRule] {
            AccessReview.strangers(in: rules, owners: [.init(scheme: "sasl", user: "u")])
        }
        #expect(strangers([ours]).isEmpty)
        #expect(strangers([ours, ownName]).isEmpty)
        #expect(strangers([ownName]) == [ownName])
        #expect(strangers([ours, world]) == [world])
        #expect(strangers([AccessRule(.all, scheme: "digest", id: "u:hash")]).count == 1)
        #expect(strangers([AccessRule(.all, scheme: "sasl", id: "us")]).count == 1)
    }
}
