import DTMCore
import DTMDiscovery
import DTMPolicy
import DTMTunnel

extension HostInventory: ProgramFinding {
    func program(behind peer: LocalPeer, digests: Bool) async -> ConnectingProgram? {
        let found = try? await onThread { held throws(DiscoveryError) in
            switch peer {
            case .tcp(let client, let server): Self.overTCP(client, server, digests: digests, &held)
            case .unix(let pid, let uid, _): Self.overUnix(pid, uid, digests: digests, &held)
            }
        }
        guard var program = found.flatMap(\.self) else { return nil }
        program.userName = accounts.userName(program.uid)
        for index in program.holders.indices { name(&program.holders[index]) }
        return program
    }

    func program(holding inode: UInt32, uid: UInt32) async -> ConnectingProgram? {
        let found = try? await onThread { held throws(DiscoveryError) in
            let holders = held.inventory.holders(ofSocket: UInt64(inode), uid: uid)
            var program = ConnectingProgram(uid: uid, isComplete: !holders.isEmpty)
            program.holders = holders.map { Self.facts($0, socketGroup: nil, digests: false, &held) }
            return program
        }
        guard var program = found else { return nil }
        program.userName = accounts.userName(uid)
        return program
    }

    /// The socket's user is the kernel's word. Of the processes, the likeliest are searched until one holds the socket: to
    /// search all of them with each connection would let anybody keep a core busy. So a program that hands its connection to
    /// another of the same user goes unnoticed here; the inventory names both holders once it has met them.
    private static func overTCP(
        _ client: Endpoint, _ server: Endpoint, digests: Bool, _ held: inout Held
    ) -> ConnectingProgram? {
        // Connections of IPv4 to a listener of both families show as IPv4-mapped; the program's own socket is of IPv4.
        let attribution = held.inventory.attribute(local: client.unmapped, remote: server.unmapped, search: .likely)
        guard let uid = attribution.uid else { return nil }
        var program = ConnectingProgram(uid: uid, isComplete: !attribution.holders.isEmpty)
        program.holders = attribution.holders.map { holder in
            facts(holder, socketGroup: attribution.controlGroupPath, digests: digests, &held)
        }
        return program
    }

    private static func overUnix(
        _ pid: Int32, _ uid: UInt32, digests: Bool, _ held: inout Held
    ) -> ConnectingProgram? {
        guard let holder = held.inventory.holder(pid: pid) else {
            return ConnectingProgram(uid: uid, isComplete: false)
        }
        return ConnectingProgram(uid: uid, holders: [facts(holder, socketGroup: nil, digests: digests, &held)])
    }

    private static func facts(
        _ holder: ConnectionAttribution.Holder, socketGroup: String?, digests: Bool, _ held: inout Held
    ) -> ProgramFacts {
        let cgroup = held.inventory.controlGroup(of: holder.process) ?? socketGroup
        var facts = ProgramFacts(
            pid: holder.process.pid, uid: holder.uid, gid: holder.gid,
            executable: held.inventory.executableInPlace(of: holder.process), cgroup: cgroup,
            unit: cgroup.flatMap(SystemdUnit.ofSystem(cgroup:)))
        if digests { facts.digest = SHA256Value(bytes: (try? held.hasher.digest(of: holder.process))?.sha256 ?? []) }
        return facts
    }

    private func name(_ facts: inout ProgramFacts) {
        guard let uid = facts.uid, let gid = facts.gid else { return }
        let caller = accounts.caller(uid: uid, gid: gid, pid: facts.pid)
        facts.userName = caller.userName
        facts.supplementaryGroups = caller.supplementaryGroups
        facts.groupNames = caller.groupNames
    }
}
