import Cluster
import Healer

/// What was asked for.
extension Rig {
    var runs: [Order] { self.effects.compactMap { if case .run(let order) = $0 { order } else { nil } } }
    func runs(_ step: Step) -> [Order] { self.runs.filter { $0.intent.step == step } }
    var writes: [LedgerWrite] { self.effects.compactMap { if case .write(let write) = $0 { write } else { nil } } }
    var intents: [(intent: Intent, write: LedgerWrite)] {
        self.writes.compactMap { if case .intent(let intent, _) = $0.purpose { (intent, $0) } else { nil } }
    }
    var removals: [DeadRegistration] { self.writes.compactMap(\.removing) }
    var pages: [PageReason] { self.effects.compactMap { if case .page(let page) = $0 { page.reason } else { nil } } }
    var probes: [Intent] { self.effects.compactMap { if case .probe(let intent) = $0 { intent } else { nil } } }
    var evidence: [EvidenceRequest] {
        self.effects.compactMap { if case .collectEvidence(let request) = $0 { request } else { nil } }
    }
    var refusals: [(Step, Refusal)] {
        self.effects.compactMap {
            if case .note(let note) = $0, case .refused(let step, let refusal) = note.entry.what {
                (step, refusal)
            } else {
                nil
            }
        }
    }
    func refused(_ name: String, _ step: Step? = nil) -> Bool {
        self.refusals.contains { $0.1.name == name && (step == nil || step == $0.0) }
    }
    var digest: Digest? {
        self.effects.compactMap { if case .publish(let digest) = $0 { digest } else { nil } }.last
    }
    var view: ClusterView { self.machine.view(at: self.now) }
    func row(_ name: NodeName) -> ClusterView.NodeRow { self.view.nodes.first { $0.node.name == name }! }
    func incident(_ name: NodeName) -> IncidentRecord? { self.view.openIncidents.first { $0.subject == .node(name) } }
    var lastClosed: IncidentRecord? { self.view.closedIncidents.last }
}
