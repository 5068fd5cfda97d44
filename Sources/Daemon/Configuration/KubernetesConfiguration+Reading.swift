import Kubernetes

extension KubernetesConfiguration {
    init(_ section: Section) {
        self.server = section.optional(
            "server",
            .text("an address, `https://HOST:PORT`") {
                $0.hasPrefix("https://") && $0.utf8.count > 8 && !$0.hasSuffix("/")
                    && $0.utf8.allSatisfy { (0x21...0x7e).contains($0) }
            }, absent: "the cluster that the healer runs in")
        self.namespace = section.optional(
            "namespace", .text("the name of a namespace, in lower-case letters, digits and dashes", Self.isName),
            absent: "the namespace that the healer runs in"
        ).flatMap { ObjectName($0) }
        self.pod = section.pattern(
            "pod", [.node, .host, .brokerID], default: [.placeholder(.node)],
            "the name of a pod, in lower-case letters, digits, dashes and dots", isAllowed: Self.isName)
        self.container = section.optional(
            "pod_container", .text("the name of a container, in lower-case letters, digits and dashes", Self.isName),
            absent: "the first"
        ).flatMap { ObjectName($0) }
        self.account = ServiceAccount(
            tokenFile: section.value("token_file", .absolutePath, default: ServiceAccount.standardTokenFile),
            authorityFile: section.value(
                "authority_file", .absolutePath, default: ServiceAccount.standardAuthorityFile))
        self.crashLoopTime = section.value(
            "crash_loop_seconds", .seconds(1...86400), default: Self.standardCrashLoopTime)
        self.restartsRollout = section.value("rollout_restart", .boolean, default: false)
    }

    private static func isName(_ text: String) -> Bool { ObjectName(text) != nil }
}
