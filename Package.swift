// swift-tools-version: 6.0
// The dependency lists below are the architecture: Election, Healer and Admin decide, and reach no network.

import PackageDescription

let strict: [SwiftSetting] = [.unsafeFlags(["-warnings-as-errors"])]

/// The C module of a Debian library: a module map and a shim, nothing else.
func library(_ name: String, apt package: String) -> Target {
    .systemLibrary(name: name, path: "Sources/\(name)", providers: [.apt([package])])
}

func module(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func program(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "kafka-healer",
    products: [
        .executable(name: "healer", targets: ["Daemon"]),
        .executable(name: "healerctl", targets: ["AdminTool"]),
        .executable(name: "healer-chaos", targets: ["ChaosTool"]),
        .executable(name: "healer-docker-filter", targets: ["DockerFilter"]),
        .executable(name: "healer-simulate", targets: ["Simulate"]),
    ],
    targets: [
        // Words, and decisions. No C library, no network, no clock.
        module("Cluster"),
        module("Election", "Cluster"),
        module("Healer", "Cluster"),
        module("Admin", "Cluster"),

        // One wrapper per C library.
        library("CZooKeeper", apt: "libzookeeper-mt-dev"),
        library("CRdKafka", apt: "librdkafka-dev"),
        library("CCurl", apt: "libcurl4-openssl-dev"),
        library("CMicroHTTPD", apt: "libmicrohttpd-dev"),
        library("CYAML", apt: "libyaml-dev"),
        module("ZooKeeper", "CZooKeeper"),
        module("RdKafka", "CRdKafka"),
        module("Curl", "CCurl"),
        module("MicroHTTPD", "CMicroHTTPD"),
        module("YAML", "CYAML"),

        // What is asked of a Docker engine: by the healer, and through the filter before the engine's socket.
        module("Docker", "Curl"),
        // What is asked of a Kubernetes API server.
        module("Kubernetes", "Curl"),

        // The programs.
        program(
            "Daemon", "Cluster", "Election", "Healer", "Admin", "ZooKeeper", "RdKafka", "Curl", "MicroHTTPD", "YAML",
            "Docker", "Kubernetes"),
        program("DockerFilter", "Docker", "Curl", "MicroHTTPD"),
        program("AdminTool", "Cluster", "Admin", "ZooKeeper", "Curl"),
        program("ChaosTool", "Cluster", "Admin", "ZooKeeper", "RdKafka", "Curl", "YAML", "Docker"),

        // The whole system in memory, by seed.
        .target(
            name: "Simulation", dependencies: ["Cluster", "Election", "Healer"], path: "Tests/Simulation",
            swiftSettings: strict),
        .executableTarget(
            name: "Simulate", dependencies: ["Simulation"], path: "Tests/Simulate", swiftSettings: strict),

        tests("ClusterTests", "Cluster"),
        tests("ElectionTests", "Election"),
        tests("HealerTests", "Healer"),
        tests("AdminTests", "Admin", "AdminTool", "ChaosTool", "ZooKeeper", "MicroHTTPD"),
        tests("ZooKeeperTests", "Cluster", "Election", "Healer", "ZooKeeper", "Daemon"),
        tests("RdKafkaTests", "RdKafka"),
        tests("CurlTests", "Curl", "MicroHTTPD"),
        tests("MicroHTTPDTests", "MicroHTTPD"),
        tests("YAMLTests", "YAML"),
        tests("DockerTests", "Docker", "DockerFilter", "Daemon", "Curl", "MicroHTTPD"),
        tests("KubernetesTests", "Kubernetes", "Daemon", "Curl", "MicroHTTPD"),
        tests("DaemonTests", "Daemon"),
        tests("ChaosToolTests", "Cluster", "ChaosTool", "RdKafka", "Docker"),
        tests("SimulationTests", "Simulation"),
        tests(
            "IntegrationTests", "Cluster", "Admin", "ZooKeeper", "RdKafka", "Curl", "Daemon", "AdminTool", "ChaosTool"),
    ],
    swiftLanguageModes: [.v6]
)
