import DTMCore

/// One process behind a connection, together with the user of the socket that it holds.
struct ConnectionSubject {
    /// What is known about a term.
    enum Verdict: Hashable {
        case holds, differs
        /// What would have to be known.
        case unknown(String)
    }

    /// What a rule may ask for besides users and groups.
    enum Fact: Hashable {
        case executable, digest, cgroup, unit
    }

    private let socketUID: UInt32
    private let socketUserName: String?
    private let facts: ProgramFacts

    /// One for each holder, and one of which nothing is known where there are or may be more.
    static func all(of program: ConnectingProgram) -> [Self] {
        let isBounded = program.holders.count <= ConnectingProgram.maximumHolders
        let known = program.holders.prefix(ConnectingProgram.maximumHolders)
        let unknown = program.isComplete && isBounded && !known.isEmpty ? [] : [ProgramFacts()]
        return (known + unknown).map { facts in
            Self(socketUID: program.uid, socketUserName: program.userName, facts: facts)
        }
    }

    func verdict(_ term: PolicyTerm) -> Verdict {
        switch term {
        case .uid(let uid): uids.allSatisfy { $0 == uid } ? .holds : .differs
        case .user(let name): verdict(user: name)
        case .gid(let gid): verdict(gid: gid)
        case .group(let name): verdict(group: name)
        case .anyLocal: .holds
        case .executable(let path): Self.verdict(Self.path(facts.executable), "executable") { path == $0 }
        case .hash(let digest): Self.verdict(facts.digest, "executable's hash") { $0 == digest }
        case .cgroup(let path): Self.verdict(Self.path(facts.cgroup), "cgroup") { path.contains($0) }
        case .unit(let name): Self.verdict(facts.unit, "unit") { name.hasSameBytes(as: $0) }
        case .spiffe: .differs
        }
    }

    /// The name of the default's rule that holds; nil when none does.
    func defaultRule(_ ownerUID: UInt32?) -> String? {
        if let ownerUID, uids.allSatisfy({ $0 == ownerUID }) { return "owner" }
        return uids.allSatisfy { $0 == 0 || $0 == ownerUID } ? "root" : nil
    }

    /// As `exe /usr/bin/nc of uid 1000 (alice), pid 77`, with the facts that were asked for.
    func description(naming asked: Set<Fact>) -> String {
        let values: [(Fact, String, String?)] = [
            (.executable, "exe", facts.executable), (.digest, "sha256", facts.digest?.description),
            (.cgroup, "cgroup", facts.cgroup), (.unit, "unit", facts.unit),
        ]
        let named = values.filter { asked.contains($0.0) }.map { fact in
            "\(fact.1) \(fact.2.map(AdmissionPolicy.shown) ?? "unknown")"
        }
        return named.isEmpty ? user : "\(named.joined(separator: ", ")) of \(user)"
    }

    private var user: String {
        let name = socketUserName.map { " (\(AdmissionPolicy.shown($0)))" } ?? ""
        let process = facts.pid.map { ", pid \($0)" } ?? ""
        let other = facts.uid.flatMap { $0 == socketUID ? nil : " run by uid \($0)" } ?? ""
        return "uid \(socketUID)\(name)\(process)\(other)"
    }

    /// The socket's user, and the process's where it is known.
    private var uids: [UInt32] { [socketUID] + (facts.uid.map { [$0] } ?? []) }

    private func verdict(user name: String) -> Verdict {
        guard let socketUserName else { return .unknown("user's name") }
        guard name.hasSameBytes(as: socketUserName) else { return .differs }
        guard let uid = facts.uid, uid != socketUID else { return .holds }
        return Self.verdict(facts.userName, "user's name") { name.hasSameBytes(as: $0) }
    }

    private func verdict(gid wanted: UInt32) -> Verdict {
        if facts.gid == wanted { return .holds }
        return Self.verdict(facts.supplementaryGroups, "groups") { groups in
            groups.contains(wanted)
        } whenDiffering: {
            facts.gid == nil ? .unknown("groups") : .differs
        }
    }

    private func verdict(group name: String) -> Verdict {
        Self.verdict(facts.groupNames, "groups' names") { names in names.contains { name.hasSameBytes(as: $0) } }
    }

    private static func verdict<Value>(
        _ value: Value?, _ what: String, holds: (Value) -> Bool, whenDiffering: () -> Verdict = { .differs }
    ) -> Verdict {
        guard let value else { return .unknown(what) }
        return holds(value) ? .holds : whenDiffering()
    }

    /// Nil for what is no path of the kernel's making, which counts as not known.
    private static func path(_ text: String?) -> AbsolutePath? { text.flatMap(AbsolutePath.init) }
}
