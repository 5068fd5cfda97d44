import Cluster
import Foundation
import Synchronization

/// Faults between containers: packets are dropped, or connections refused, by iptables in the name space of whoever
/// connects. Each fault is bound to one life of the container; a later one begins without it.
final class PacketRules: Sendable {
    /// It takes root, for another's name space, and an engine on this host.
    static var arePossible: Bool {
        geteuid() == 0 && Tool.isThere("nsenter") && Tool.isThere("iptables")
    }

    private struct Rule: Hashable, Sendable {
        /// A process of the container.
        let pid: Int32
        let arguments: [String]
    }
    private let rules = Mutex<[Link: [Rule]]>([:])

    /// What iptables is told for one fault, without the word that adds or takes away.
    ///
    /// What is dropped comes late, if its connection outlives the fault: that is how TCP sees a cut and a stall alike.
    /// - Throws: ``SandboxError`` for what cannot be done by dropping packets.
    static func arguments(
        for fault: ProxyOrder, to address: String, ports: [UInt16]
    ) throws -> [[String]] {
        ports.sorted().map { "\($0)" }.flatMap { port -> [[String]] in
            let out = ["OUTPUT", "-p", "tcp", "-d", address, "--dport", port]
            let back = ["INPUT", "-p", "tcp", "-s", address, "--sport", port]
            return switch fault {
            case .cut(let ways), .hold(let ways):
                (ways.contains(.toServer) ? [out + ["-j", "DROP"]] : [])
                    + (ways.contains(.toClient) ? [back + ["-j", "DROP"]] : [])
            // Connections that stand are reset by it too, as soon as something is sent.
            case .refuse: [out + ["-j", "REJECT", "--reject-with", "tcp-reset"]]
            default: []
            }
        }
    }

    /// - Parameter pid: a process of the container that connects.
    func apply(_ fault: ProxyOrder, to link: Link, from pid: Int32, address: String, ports: [UInt16]) throws {
        // Said along with a refusal, which does it.
        if fault == .reset, self.rules.withLock({ $0[link] != nil }) { return }
        let arguments = try Self.arguments(for: fault, to: address, ports: ports)
        guard !arguments.isEmpty else {
            throw SandboxError("between containers packets can be dropped and connections refused, and nothing else")
        }
        for rule in arguments.map({ Rule(pid: pid, arguments: $0) }) {
            try Self.iptables("-A", rule)
            self.rules.withLock { $0[link, default: []].append(rule) }
        }
    }

    func mend(_ link: Link) {
        // Where the container has ended meanwhile, its name space is gone, and the rule with it.
        for rule in self.rules.withLock({ $0.removeValue(forKey: link) }) ?? [] { try? Self.iptables("-D", rule) }
    }

    func mendAll() {
        for link in self.rules.withLock({ Array($0.keys) }) { self.mend(link) }
    }

    private static func iptables(_ word: String, _ rule: Rule) throws {
        _ = try Tool.output("nsenter", ["-t", "\(rule.pid)", "-n", "iptables", "-w", "10", word] + rule.arguments)
    }
}
