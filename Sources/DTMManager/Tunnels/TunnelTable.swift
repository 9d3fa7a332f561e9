import DTMConfiguration
import DTMCore
import DTMPolicy
import DTMSecrets

/// The desired state: all tunnels of this manager, and the rules that hold between them. A pure value; ids and secrets
/// come in.
struct TunnelTable: Sendable {
    private(set) var records: [TunnelID: TunnelRecord] = [:]
    private var names: [TunnelName: TunnelID] = [:]
    var defaults: TunnelDefaults

    init(defaults: TunnelDefaults = TunnelDefaults()) { self.defaults = defaults }

    var count: Int { records.count }

    /// All, by name.
    var sorted: [TunnelRecord] { records.values.sorted { $0.name.text < $1.name.text } }

    subscript(id: TunnelID) -> TunnelRecord? { records[id] }

    func id(of name: TunnelName) -> TunnelID? { names[name] }

    /// - Throws: `tunnel.unknown`, which names those that there are.
    func record(named name: String) throws(ManagerError) -> TunnelRecord {
        guard let wanted = TunnelName(name), let id = names[wanted], let record = records[id] else {
            throw unknown(name)
        }
        return record
    }

    /// Changes a record in place. Its name and target stay.
    mutating func update(_ id: TunnelID, _ body: (inout TunnelRecord) -> Void) {
        // In its place, or whatever it holds would be copied each time.
        guard let index = records.index(forKey: id) else { return }
        body(&records.values[index])
    }

    /// Throws when `draft` can't be had beside the tunnels that there are, `ignored` left out of account.
    func check(_ draft: TunnelDraft, ignoring ignored: TunnelID? = nil) throws(ManagerError) {
        let others = records.values.filter { $0.id != ignored }
        let maximum = defaults.configuration.limits.maximumTunnels
        guard others.count < maximum else {
            throw ManagerError(
                .tunnelLimit, "\(others.count) tunnels run already, and limits.maximumTunnels allows \(maximum)",
                hint: "remove one with dtm unprotect NAME, or raise limits.maximumTunnels in the configuration")
        }
        if let other = others.first(where: { $0.name == draft.name }) { throw Self.nameTaken(other) }
        if let other = others.first(where: { $0.draft.target == draft.target }) { throw .targetTaken(other) }
        try checkValues(draft, beside: others)
    }

    /// Bounds, and whether the ranges hold all endpoints.
    private func checkValues(_ draft: TunnelDraft, beside others: [TunnelRecord]) throws(ManagerError) {
        do {
            _ = try defaults.configuration.validate(
                draft.configuration, beside: others.map(\.draft.configuration), source: "tunnel \(draft.name)",
                context: defaults.reservedPorts.context)
        } catch {
            let isShortage = error.problems.contains { $0.kind == .portShortage }
            throw ManagerError(
                isShortage ? .rangeTooSmall : .requestInvalid,
                error.problems.map(\.description).joined(separator: "; "),
                hint: isShortage ? "choose another range with --range LOW-HIGH, as 5000-6000" : error.hint)
        }
    }

    /// Adds a tunnel that ``check(_:ignoring:)`` lets through.
    mutating func add(_ draft: TunnelDraft, id: TunnelID, root: SharedSecret) throws(ManagerError) {
        try check(draft)
        names[draft.name] = id
        records[id] = TunnelRecord(
            id: id, draft: draft, settings: TunnelSettings(draft, over: defaults), root: root)
    }

    /// Puts back a tunnel that was kept, with its identity and its schedule.
    mutating func restore(_ tunnel: ManagerState.Tunnel) throws(ManagerError) {
        let policy: AdmissionPolicy
        do {
            policy = try AdmissionPolicy(rules: tunnel.configuration.allow)
        } catch {
            throw ManagerError(.stateUnusable, "the kept tunnel \(tunnel.configuration.name): allow: \(error.message)")
        }
        let draft = TunnelDraft(
            configuration: tunnel.configuration, policy: policy, origin: tunnel.origin, ownerUID: tunnel.ownerUID,
            application: tunnel.application)
        try add(draft, id: tunnel.id, root: tunnel.root)
        update(tunnel.id) { record in
            record.generation = tunnel.generation
            record.keyGeneration = tunnel.keyGeneration
            record.destination = TargetResolver.literalDestination(of: draft.target)
        }
    }

    /// Those that are kept. Automatic ones come and go with their applications.
    var kept: [ManagerState.Tunnel] {
        sorted.filter { $0.draft.origin != .auto }.map { record in
            ManagerState.Tunnel(
                id: record.id, configuration: record.draft.configuration, origin: record.draft.origin,
                ownerUID: record.draft.ownerUID, application: record.draft.application,
                generation: record.generation, keyGeneration: record.keyGeneration, root: record.root)
        }
    }

    @discardableResult
    mutating func remove(_ id: TunnelID) -> TunnelRecord? {
        guard let record = records.removeValue(forKey: id) else { return nil }
        names[record.name] = nil
        return record
    }

    /// Asks for a rotation now.
    mutating func rotate(_ id: TunnelID) {
        update(id) { $0.generation &+= 1 }
    }

    /// Replaces the root of the window keys, and asks for a rotation, so that the endpoint moves to where the new keys
    /// say.
    mutating func rekey(_ id: TunnelID, root: SharedSecret) {
        update(id) { record in
            record.root = root
            record.keyGeneration &+= 1
            record.generation &+= 1
        }
    }
}

extension TunnelTable {
    private func unknown(_ name: String) -> ManagerError {
        let known = names.keys.map(\.text).sorted()
        let listed = known.prefix(8).joined(separator: ", ") + (known.count > 8 ? ", …" : "")
        return ManagerError(
            .tunnelUnknown, "there is no tunnel named \(printable(name))",
            hint: known.isEmpty ? "make one with dtm protect" : "those that there are: \(listed)")
    }

    private static func nameTaken(_ other: TunnelRecord) -> ManagerError {
        ManagerError(
            .tunnelNameTaken, "the name \(other.name) is taken by the tunnel to \(other.draft.target)",
            hint: "choose another with --name NAME, or remove it with dtm unprotect \(other.name)")
    }

}

extension ManagerError {
    static func targetTaken(_ other: TunnelRecord) -> Self {
        Self(
            .targetTaken, "\(other.draft.target) is protected already, by the tunnel \(other.name)",
            hint: "use it with dtm connect \(other.name), or remove it with dtm unprotect \(other.name)")
    }
}

/// Text from outside for a message: cut short, between quotes, without control characters.
func printable(_ text: String, limit: Int = 80) -> String {
    let shown = text.unicodeScalars.prefix(limit).map { scalar in
        scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            ? "\u{FFFD}" : Character(scalar)
    }
    return "'\(String(shown))\(text.unicodeScalars.count > limit ? "…" : "")'"
}
