internal import Cluster

/// What the other healers say they see.
struct Peers: Hashable, Sendable {
    private struct Peer: Hashable, Sendable {
        var digest: Digest
        /// `nil` until it changed while we watched: nobody can tell how old the first one is.
        var changedAt: Moment?
    }
    private var peers: [HealerID: Peer] = [:]

    mutating func read(_ digest: Digest?, of healer: HealerID, at now: Moment) {
        guard let digest else {
            self.peers[healer] = nil
            return
        }
        switch self.peers[healer] {
        case .none: self.peers[healer] = Peer(digest: digest, changedAt: nil)
        case .some(let peer) where peer.digest.sequence != digest.sequence:
            self.peers[healer] = Peer(digest: digest, changedAt: now)
        case .some: break
        }
    }

    private func fresh(at now: Moment, _ validity: Duration) -> [(HealerID, Digest)] {
        self.peers.compactMap { id, peer in
            peer.changedAt.flatMap { now - $0 <= validity ? (id, peer.digest) : nil }
        }
    }

    /// How many of the others see exactly this now.
    func count(seeing verdict: Digest.Verdict, of node: NodeName, at now: Moment, _ validity: Duration) -> Int {
        self.fresh(at: now, validity).count { $0.1.verdicts[node] == verdict }
    }

    /// On how many nodes each of the others differs from our verdicts.
    func divergence(
        from own: [NodeName: Digest.Verdict], at now: Moment, _ validity: Duration
    ) -> [HealerID: Int] {
        var result: [HealerID: Int] = [:]
        for (id, digest) in self.fresh(at: now, validity) {
            let names = Set(own.keys).union(digest.verdicts.keys)
            result[id] = names.count { own[$0]?.code != digest.verdicts[$0]?.code }
        }
        return result
    }
}
