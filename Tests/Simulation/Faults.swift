internal import Cluster
internal import Election

/// What goes wrong, by seed.
final class Faults {
    private unowned let world: World
    private var until = Moment.zero
    private var rogues = 0

    init(world: World) { self.world = world }

    func go(until: Moment) {
        self.until = until
        // One server hears of commits late.
        let lag = self.duration(0.2, 3)
        if self.world.hasLag { self.world.ensemble.setLag(of: 2, to: lag) }
        self.plan()
        if self.world.cluster != nil { self.planBrokers() }
    }

    /// Kills a healer at this point of a step of its own, now and then.
    /// - Returns: whether it is dead now.
    func strikes(_ healer: ElectionShell, at point: StepPoint) -> Bool {
        let world = self.world
        guard !healer.isOver, world.scheduler.now < self.until else { return false }
        guard world.scheduler.random.chance(0.15) else { return false }
        let victim = world.healers[healer.healer]
        victim.kill()
        world.tally.deaths[point, default: 0] += 1
        world.scheduler.after(self.duration(0.1, 15)) { victim.start() }
        return true
    }

    private func planBrokers() {
        let next = self.world.scheduler.now + self.duration(1, 25)
        guard next < self.until else { return }
        self.world.scheduler.at(next) {
            let cluster = self.world.cluster!
            let id = cluster.ids.randomElement(using: &self.world.scheduler.random)!
            if self.world.scheduler.random.chance(0.6) {
                cluster.kill(id)
            } else {
                cluster.freeze(id, for: self.duration(0.5, 40))
            }
            self.planBrokers()
        }
    }

    private func duration(_ low: Double, _ high: Double) -> Duration {
        self.world.scheduler.random.duration(.milliseconds(Int(low * 1000))...(.milliseconds(Int(high * 1000))))
    }

    private func plan() {
        // Where brokers are to be healed, leaders get a little more time.
        let next = self.world.scheduler.now + (self.world.cluster == nil ? self.duration(0.1, 3) : self.duration(1, 12))
        guard next < self.until else { return }
        self.world.scheduler.at(next) {
            self.happen()
            self.plan()
        }
    }

    private var anyHealer: SimulatedHealer { self.world.healers.randomElement(using: &self.world.scheduler.random)! }
    private var anyServer: Int {
        self.world.ensemble.servers.indices.randomElement(using: &self.world.scheduler.random)!
    }
    /// Whoever leads by its own account, or anybody.
    private var leader: SimulatedHealer {
        self.world.healers.first { $0.election?.machine.role == .leading } ?? self.anyHealer
    }
    private var target: SimulatedHealer {
        self.world.scheduler.random.chance(0.6) ? self.leader : self.anyHealer
    }

    private func happen() {
        let world = self.world
        switch Int.random(in: 0..<17, using: &world.scheduler.random) {
        case 0:
            let healer = self.target
            healer.kill()
            world.scheduler.after(self.duration(0.1, 15)) { healer.start() }
        case 1, 2:
            self.target.freeze(for: self.duration(0.1, world.scheduler.random.chance(0.5) ? 2 : 20))
        case 3:
            self.target.resign()
        case 4, 5:
            self.target.election?.client?.cut()
        case 6, 7:
            self.target.election?.client?.loseNextReply()
        case 8:
            let server = self.anyServer
            world.ensemble.stop(server)
            world.scheduler.after(self.duration(0.1, 8)) { world.ensemble.start(server) }
        case 9, 10:
            let server = self.anyServer
            world.ensemble.cut(server)
            world.scheduler.after(self.duration(0.5, 12)) { world.ensemble.heal(server) }
        case 11:
            world.ensemble.freeze(self.anyServer, for: self.duration(0.1, 5))
        case 12:
            if let path = self.leader.election?.machine.heldClaim?.candidate {
                world.ensemble.foreignWrite([.delete(path, version: nil)])
            }
        case 13:
            self.rogueClaim()
        case 14:
            self.pause()
        case 15:
            let follower = world.healers.first { $0.election?.machine.role == .following }
            if let election = follower?.election, follower?.isFrozen == false,
                let leader = election.machine.record?.holder?.incarnation
            {
                election.handle(.leaderPresumedGone(leader))
            }
        default:
            if world.cluster == nil, world.scheduler.random.chance(0.1) {
                self.takeTreeAway()
            } else if let session = self.leader.election?.client?.session {
                // An operator ends the session of whoever leads.
                world.ensemble.endSession(session)
            }
        }
    }

    /// A healer of another make claims by the rules of the record, and leaves everybody's place in line alone.
    private func rogueClaim() {
        let path = self.world.layout.leader
        guard let node = self.world.ensemble.tree[path], let record = try? LeaderRecord(decoding: node.data) else {
            return
        }
        self.rogues += 1
        let holder = LeaderRecord.Holder(
            member: HealerID("rogue"), incarnation: Incarnation("rogue"), address: "rogue:1")
        let claim = LeaderRecord(epoch: record.epoch.next, holder: holder, nonce: "rogue-\(self.rogues)")
        self.world.ensemble.foreignWrite([.set(path, data: claim.encoded, version: node.version)])
    }

    private func pause() {
        let world = self.world
        let layout = world.layout
        let path = world.scheduler.random.chance(0.5) ? layout.control : layout.globalControl
        let control = Control(paused: Control.Hold(by: "operator", why: "simulated"))
        world.ensemble.foreignWrite([.set(path, data: control.json, version: nil)])
        world.scheduler.after(self.duration(0.1, 4)) {
            world.ensemble.foreignWrite([.set(path, data: [], version: nil)])
        }
    }

    private func takeTreeAway() {
        let path = self.world.scheduler.random.chance(0.5) ? self.world.layout.leader : self.world.layout.base
        self.world.treeWasTakenAway()
        self.world.ensemble.foreignWrite(Tree.removal(of: path, in: self.world.ensemble.tree))
    }

    /// Everything is made whole, and nothing happens any more.
    func end() {
        let world = self.world
        for server in world.ensemble.servers.indices {
            world.ensemble.start(server)
            world.ensemble.heal(server)
            if world.hasLag { world.ensemble.setLag(of: server, to: .milliseconds(2)) }
        }
        for healer in world.healers {
            healer.thaw()
            healer.start()
        }
    }
}
