import Cluster
import Foundation
import Kubernetes
import Testing

@testable import Daemon

@Suite("What a pod's status means")
struct PodLookTests {
    static let uid = "e81817ee-a0cd-462e-87a1-aa5ca28617f3"
    static let first = ProcessIdentity("\(uid)/43631e5c778cf47269203796f78fe70db3cb7d847986c726b78fad9a97f81707")
    static let second = ProcessIdentity("\(uid)/867588bddf302b9eff6051b77e6e0f38517ef8a5e174c16eeb55b2cf8770f77f")

    static func read<Value: Decodable>(_ text: String) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    private func look(_ pod: String?, set: String? = Samples.set, node: String? = Samples.node) throws -> PodLook {
        PodLook(
            name: ObjectName("kafka-2")!, pod: try pod.map { try Self.read($0) },
            set: try set.map { try Self.read($0) },
            node: try node.map { try Self.read($0) }, container: nil)
    }

    /// Looks in their order, all at the same time.
    private func state(_ pods: String..., set: String? = Samples.set, node: String? = Samples.node) throws
        -> ProcessState
    {
        var memory = PodMemory()
        var state: ProcessState?
        for pod in pods {
            let look = try self.look(pod, set: set, node: node)
            memory.fold(look.pod!, look.pod!.container(nil), at: Moment(.seconds(1)))
            state = try look.state(memory, patience: .seconds(300), at: Moment(.seconds(2)))
        }
        return state!
    }

    @Test("A container that runs, runs; its life is its pod's uid and its own id")
    func running() throws {
        #expect(try self.state(Samples.running) == ProcessState(state: .running, identity: Self.first))
    }

    @Test("One that is being created is starting: there is no life of it yet")
    func creating() throws {
        let identity = ProcessIdentity("7ab939d2-7012-4876-bbbb-650a0a75d551")
        #expect(try self.state(Samples.creating) == ProcessState(state: .starting, identity: identity))
    }

    @Test("One that ended is starting, since the kubelet is at it, and it is said which life ended, and how")
    func ended() throws {
        #expect(
            try self.state(Samples.ended)
                == ProcessState(state: .starting, identity: Self.first, exit: .signal(11), ended: Self.first))
        #expect(
            try self.state(Samples.again) == ProcessState(state: .running, identity: Self.second, ended: Self.first))
        #expect(
            try self.state(Samples.failedAgain)
                == ProcessState(state: .starting, identity: Self.second, exit: .code(1), ended: Self.second))
    }

    @Test("CrashLoopBackOff is starting until the kubelet has tried for long enough alone; then it is an end")
    func looping() throws {
        let look = try self.look(Samples.looping)
        let life = look.pod!.life(look.pod!.container(nil))
        var memory = PodMemory()
        memory.fold(look.pod!, look.pod!.container(nil), at: Moment(.seconds(100)))
        func state(at seconds: Int) throws -> ProcessState {
            try look.state(memory, patience: .seconds(300), at: Moment(.seconds(seconds)))
        }
        let starting = ProcessState(state: .starting, identity: life, exit: .signal(11), ended: life)
        #expect(try state(at: 399) == starting)
        #expect(try state(at: 400) == ProcessState(state: .exited, identity: life, exit: .signal(11), ended: life))

        // That it runs for a moment in between is no end of the loop; that it is ready is.
        let running: Pod = try Self.read(Samples.again)
        var other = PodMemory()
        other.fold(
            try Self.read(Samples.ended), try (Self.read(Samples.ended) as Pod).container(nil), at: Moment(.seconds(1)))
        other.fold(running, running.container(nil), at: Moment(.seconds(50)))
        #expect(other.loopingSince == Moment(.seconds(1)))
        var ready = running
        ready.status.containerStatuses![0].ready = true
        other.fold(ready, ready.container(nil), at: Moment(.seconds(60)))
        #expect(other.loopingSince == nil)
    }

    @Test("A pod that somebody deletes is stopped, and it is said by which way; one that we deleted is starting")
    func deleted() throws {
        let life = ProcessIdentity(
            "7ab939d2-7012-4876-bbbb-650a0a75d551/3fab9450a7447ad0600f8d50787bd9232e6a16da6b69291afa79179e79e22632")
        let hand = "pod kafka-2 is being deleted (EvictionByEvictionAPI: Eviction API: evicting)"
        #expect(try self.state(Samples.evicted) == ProcessState(state: .stopped, identity: life, hand: hand))
        #expect(
            try self.state(Samples.evicted, Samples.evictedAndEnded)
                == ProcessState(state: .stopped, identity: life, exit: .signal(9), ended: life, hand: hand))
        var memory = PodMemory()
        memory.evicted = "7ab939d2-7012-4876-bbbb-650a0a75d551"
        let ours = try self.look(Samples.evicted).state(memory, patience: .seconds(300), at: Moment(.seconds(2)))
        #expect(ours == ProcessState(state: .starting, identity: life))
        // Ours was refused, and somebody deletes it without asking anyone.
        var look = try self.look(Samples.evicted)
        look.pod!.status.conditions!.removeAll { $0.type == "DisruptionTarget" }
        let theirs = try look.state(memory, patience: .seconds(300), at: Moment(.seconds(2)))
        #expect(theirs == ProcessState(state: .stopped, identity: life, hand: "pod kafka-2 is being deleted"))
    }

    @Test("The end of a pod that was seen is remembered when another has taken its place")
    func remembered() throws {
        let ended = try self.state(Samples.evictedAndEnded).ended
        #expect(ended != nil)
        #expect(try self.state(Samples.evictedAndEnded, Samples.creating).ended == ended)
    }

    @Test("A container that the kubelet has lost track of is not known to have ended")
    func unknown() throws {
        var pod: Pod = try Self.read(Samples.again)
        pod.status.containerStatuses![0].lastState.terminated!.reason = "ContainerStatusUnknown"
        var memory = PodMemory()
        memory.fold(pod, pod.container(nil), at: Moment(.seconds(1)))
        #expect(memory.ended == nil)
    }

    @Test("While its StatefulSet rolls out, or its node is cordoned or does not report, somebody else is at it")
    func hands() throws {
        #expect(
            try self.state(Samples.running, set: Samples.rollingOut).hand
                == "a rollout of StatefulSet zookeeper to revision zookeeper-545f7f77d5")
        let cordoned = Samples.node.replacingOccurrences(
            of: "\"spec\": {}", with: "\"spec\": {\"unschedulable\": true}")
        #expect(try self.state(Samples.running, node: cordoned).hand == "node node1 is cordoned")
        var node: ClusterNode = try Self.read(Samples.node)
        #expect(node.isReady)
        let index = try #require(node.status.conditions?.firstIndex { $0.type == "Ready" })
        node.status.conditions![index].status = "Unknown"
        var look = try self.look(Samples.running)
        look.node = node
        let silent = try look.state(PodMemory(), patience: .seconds(300), at: Moment(.seconds(2)))
        #expect(silent.hand == "node node1 is not ready, so what it says of its pods is old")
        #expect(try self.state(Samples.running, set: nil, node: nil).hand == nil)
    }

    @Test("A rollout ends with its last pod; with a partition it ends where that begins; OnDelete is none")
    func rollouts() throws {
        var set: StatefulSet = try Self.read(Samples.rollingOut)
        #expect(set.isRollingOut)
        set.spec.updateStrategy!.rollingUpdate!.partition = 2
        #expect(set.isRollingOut, "places 2 and 3, of which one is new")
        set.status.updatedReplicas = 2
        #expect(!set.isRollingOut)
        set.spec.updateStrategy!.type = "OnDelete"
        #expect(!set.isRollingOut)
        var quiet: StatefulSet = try Self.read(Samples.set)
        #expect(!quiet.isRollingOut)
        quiet.metadata.generation! += 1
        #expect(quiet.isRollingOut, "its controller has not read the change yet")
    }

    @Test("Without a pod its set decides: it makes one, or is scaled down; without a set nothing is known")
    func absent() throws {
        let look = try self.look(nil)
        func state(_ look: PodLook) throws -> ProcessState {
            try look.state(PodMemory(), patience: .seconds(300), at: Moment(.seconds(2)))
        }
        #expect(try state(look) == ProcessState(state: .starting, identity: nil))
        var scaled = look
        scaled.set!.spec.replicas = 1
        #expect(
            try state(scaled) == ProcessState(state: .stopped, identity: nil, hand: "StatefulSet kafka is scaled to 1"))
        #expect(throws: SupervisorFailure.self) { try state(try self.look(nil, set: nil)) }
    }

    @Test("A pod that has failed is made anew by its controller, and is over without one")
    func failed() throws {
        var look = try self.look(Samples.ended)
        look.pod!.status.phase = "Failed"
        func state() throws -> ProcessState.State {
            try look.state(PodMemory(), patience: .seconds(300), at: Moment(.seconds(2))).state
        }
        #expect(try state() == .starting)
        look.pod!.metadata.ownerReferences = nil
        #expect(try state() == .exited)
    }
}
