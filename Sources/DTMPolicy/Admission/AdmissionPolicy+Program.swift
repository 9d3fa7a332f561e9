public import DTMCore

extension AdmissionPolicy {
    /// Decides about one connection, by the socket's user and the processes that hold it.
    ///
    /// Each holder has to meet a rule of its own, with the socket's user too: who passes a socket on does not pass on what
    /// he may. A holder that is not known has only the socket's user, and meets no rule about programs or groups.
    ///
    /// - Parameter ownerUID: As for ``decide(caller:ownerUID:connector:)``.
    public func decide(program: ConnectingProgram, ownerUID: UInt32?) -> AdmissionDecision {
        let subjects = ConnectionSubject.all(of: program)
        var met: [String] = []
        for subject in subjects {
            let rule =
                rules.isEmpty ? subject.defaultRule(ownerUID) : rules.first { $0.holds(for: subject) }?.description
            guard let rule else { return refused(subject, among: subjects.count, ownerUID) }
            if !met.contains(rule) { met.append(rule) }
        }
        let rules = met.joined(separator: ", ")
        let who =
            subjects.count == 1
            ? subjects.first.map { $0.description(naming: asked) } ?? ""
            : "every one of the \(subjects.count) processes that hold the connection"
        return AdmissionDecision(
            allowed: true, rule: rules, reason: "\(who) matches rule \(met.map(Self.shown).joined(separator: ", "))")
    }

    private func refused(_ subject: ConnectionSubject, among count: Int, _ ownerUID: UInt32?) -> AdmissionDecision {
        let others = count == 1 ? "" : "\(count) processes hold the connection, and one of them, "
        let who = others + subject.description(naming: asked)
        guard !rules.isEmpty else {
            return AdmissionDecision(
                allowed: false, rule: nil,
                reason: "\(who) is neither the application's owner nor root (\(Self.owner(ownerUID)); no rules are set)"
            )
        }
        let missing = missing(for: subject)
        let unknown = missing.isEmpty ? "" : "; not known, and so not met: its \(missing.joined(separator: ", "))"
        return AdmissionDecision(
            allowed: false, rule: nil, reason: "\(who) matches no rule (\(summary))\(unknown)")
    }

    /// What would have to be known for a rule to hold that nothing known speaks against.
    private func missing(for subject: ConnectionSubject) -> [String] {
        let unknown = rules.flatMap { rule -> [String] in
            let verdicts = rule.terms.map(subject.verdict)
            guard !verdicts.contains(.differs) else { return [] }
            return verdicts.compactMap { if case .unknown(let what) = $0 { what } else { nil } }
        }
        return Set(unknown).sorted()
    }

    /// The facts that the rules ask for, to be named in reasons.
    private var asked: Set<ConnectionSubject.Fact> {
        Set(
            rules.flatMap(\.terms).compactMap { term in
                switch term {
                case .executable: .executable
                case .hash: .digest
                case .cgroup: .cgroup
                case .unit: .unit
                case .uid, .user, .gid, .group, .anyLocal, .spiffe: nil
                }
            })
    }
}

extension PolicyRule {
    /// Whether every term is known to hold.
    fileprivate func holds(for subject: ConnectionSubject) -> Bool {
        terms.allSatisfy { subject.verdict($0) == .holds }
    }
}
