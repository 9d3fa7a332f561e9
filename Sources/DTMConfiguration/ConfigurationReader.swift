import DTMCore

/// Turns a tree of JSON into a configuration and collects every problem on the way.
struct ConfigurationReader {
    let context: ConfigurationContext
    private(set) var problems = ProblemList()
    /// The values that were accepted, by path: where they stood and how they were written.
    private var accepted: [String: JSONNode] = [:]
    /// The path of each tunnel of the configuration, in its order.
    private(set) var tunnelPaths: [ConfigurationPath] = []
    /// The path of each connector of the configuration, in its order.
    private(set) var connectorPaths: [ConfigurationPath] = []
    /// Where the provider's key is in the file.
    private(set) var keyRange: Range<Int>?

    init(context: ConfigurationContext) { self.context = context }

    /// Reads the whole file. What has a problem keeps its default.
    mutating func configuration(from root: JSONNode) -> Configuration {
        var configuration = Configuration()
        let members = members(of: root, at: .root, named: Schema.topLevelNames)
        for section in Schema.sections {
            guard let member = members[section.name] else { continue }
            store(section.fields, from: member.value, at: .root.key(section.name), in: &configuration)
        }
        if let member = members[Schema.keyOfTheProvider] { readKey(member.value) }
        configuration.openAIKeyPresent = keyRange != nil
        if let member = members[Schema.tunnels] { configuration.tunnels = tunnels(from: member.value) }
        if let member = members[Schema.connectors] { configuration.connectors = connectors(from: member.value) }
        settleDefaults(of: &configuration)
        return configuration
    }

    /// Defaults that are meant to fit beside what the file says.
    private func settleDefaults(of configuration: inout Configuration) {
        if !isWritten(ConfigurationPath("certificates", "renewalMarginSeconds")) {
            let third = configuration.certificates.leafLifetimeSeconds / 3
            configuration.certificates.renewalMarginSeconds = min(
                configuration.certificates.renewalMarginSeconds, third)
        }
        if !isWritten(ConfigurationPath("limits", "maximumConnectionsPerTunnel")) {
            configuration.limits.maximumConnectionsPerTunnel = min(
                configuration.limits.maximumConnectionsPerTunnel, configuration.limits.maximumConnections)
        }
    }

    private mutating func store(
        _ fields: [Field<Configuration>], from node: JSONNode, at path: ConfigurationPath,
        in configuration: inout Configuration
    ) {
        let members = members(of: node, at: path, named: fields.map(\.name))
        for field in fields {
            guard let member = members[field.name] else { continue }
            let fieldPath = path.key(field.name)
            guard let store = field.read(member.value, fieldPath, &self) else { continue }
            accepted[fieldPath.description] = member.value
            store(&configuration)
        }
    }

    private mutating func readKey(_ node: JSONNode) {
        if case .hidden(let text) = node.kind, ProviderKey.isAllowed(text) {
            keyRange = text.range
        } else {
            refuse(
                JSONNode(.string(JSONWriter.mask), at: node.position), at: .root.key(Schema.keyOfTheProvider),
                allowed: ProviderKey.allowed)
        }
    }

    private mutating func tunnels(from node: JSONNode) -> [TunnelConfiguration] {
        let found = objects(from: node, at: .root.key(Schema.tunnels)) { $0.tunnel(from: $1, at: $2) }
        tunnelPaths = found.map(\.path)
        return found.map(\.value)
    }

    private mutating func connectors(from node: JSONNode) -> [ConnectorConfiguration] {
        let found = objects(from: node, at: .root.key(Schema.connectors)) { $0.connector(from: $1, at: $2) }
        connectorPaths = found.map(\.path)
        return found.map(\.value)
    }

    /// The elements of an array that are what `read` takes, each with its path.
    mutating func objects<Value>(
        from node: JSONNode, at path: ConfigurationPath,
        _ read: (inout Self, JSONNode, ConfigurationPath) -> Value?
    ) -> [(path: ConfigurationPath, value: Value)] {
        guard case .array(let elements) = node.kind else {
            refuse(node, at: path, allowed: "an array of objects")
            return []
        }
        accepted[path.description] = node
        var found: [(path: ConfigurationPath, value: Value)] = []
        for (index, element) in elements.enumerated() {
            if let value = read(&self, element, path.index(index)) { found.append((path.index(index), value)) }
        }
        return found
    }

    /// Reads one tunnel; nil when it is not an object, or has no valid name or target.
    mutating func tunnel(from node: JSONNode, at path: ConfigurationPath) -> TunnelConfiguration? {
        guard case .object = node.kind else {
            refuse(node, at: path, allowed: "an object with the keys name and target at least")
            return nil
        }
        let members = members(of: node, at: path, named: Schema.tunnelNames)
        let name = required("name", .tunnelName, from: members, of: node, at: path)
        let target = required("target", .target, from: members, of: node, at: path)
        let stores = stores(of: Schema.tunnelFields, from: members, at: path)
        guard let name, let target else { return nil }
        var tunnel = TunnelConfiguration(name: name, target: target)
        for store in stores { store(&tunnel) }
        return tunnel
    }

    /// Reads one connector; nil when it is not an object, or has no valid tunnel or place.
    private mutating func connector(from node: JSONNode, at path: ConfigurationPath) -> ConnectorConfiguration? {
        guard case .object = node.kind else {
            refuse(node, at: path, allowed: "an object with the keys tunnel, and listen or unix")
            return nil
        }
        let members = members(of: node, at: path, named: Schema.connectorNames)
        let tunnel = required("tunnel", .tunnelName, from: members, of: node, at: path)
        let stores = stores(of: Schema.connectorFields, from: members, at: path)
        guard (members["listen"] == nil) != (members["unix"] == nil) else {
            refuse(node, at: path, allowed: "one of listen and unix")
            return nil
        }
        let isPlaced = isWritten(path.key("listen")) || isWritten(path.key("unix"))
        guard let tunnel, isPlaced else { return nil }
        // The place is one of the values that are stored.
        var connector = ConnectorConfiguration(tunnel: tunnel, place: .unix(path: ""))
        for store in stores { store(&connector) }
        return connector
    }

    /// What stores the values of an object's keys; those that are not allowed are left out.
    mutating func stores<Section>(
        of fields: [Field<Section>], from members: [String: JSONMember], at path: ConfigurationPath
    ) -> [@Sendable (inout Section) -> Void] {
        var stores: [@Sendable (inout Section) -> Void] = []
        for field in fields {
            guard let member = members[field.name] else { continue }
            let store = accept(member.value, at: path.key(field.name)) { field.read(member.value, $0, &$1) }
            if let store { stores.append(store) }
        }
        return stores
    }

    /// The value of a key that has to be there; nil when it is not, or not allowed.
    mutating func required<Value>(
        _ name: String, _ rule: ValueRule<Value>, from members: [String: JSONMember], of node: JSONNode,
        at path: ConfigurationPath
    ) -> Value? {
        guard let member = members[name] else {
            let path = path.key(name)
            problems.add(
                at: path,
                ConfigurationProblem(
                    kind: .missingKey, keyPath: path.description, allowed: rule.allowed, position: node.position))
            return nil
        }
        return accept(member.value, at: path.key(name)) { rule.read(member.value, $0, &$1) }
    }

    private mutating func accept<Value>(
        _ node: JSONNode, at path: ConfigurationPath, _ read: (ConfigurationPath, inout Self) -> Value?
    ) -> Value? {
        guard let value = read(path, &self) else { return nil }
        accepted[path.description] = node
        return value
    }
}

extension ConfigurationReader {
    /// Whether the file holds a value there, and an allowed one.
    func isWritten(_ path: ConfigurationPath) -> Bool { accepted[path.description] != nil }

    /// Records that a value is not allowed.
    mutating func refuse(
        _ node: JSONNode, at path: ConfigurationPath, allowed: String, choices: [String] = [], nearest: String? = nil
    ) {
        problems.add(
            at: path,
            ConfigurationProblem(
                kind: .value, keyPath: path.description, value: ProblemText.value(node), allowed: allowed,
                nearest: nearest ?? Self.nearestChoice(to: node, among: choices), position: node.position))
    }

    /// Records that an allowed value does not go with another one. `shown` stands in for a value that is not in the
    /// file.
    mutating func conflict(
        _ kind: ConfigurationProblem.Kind = .conflict, at path: ConfigurationPath, shown: JSONNode, allowed: String
    ) {
        let node = accepted[path.description] ?? shown
        problems.add(
            at: path,
            ConfigurationProblem(
                kind: kind, keyPath: path.description, value: ProblemText.value(node), allowed: allowed,
                position: node.position))
    }

    /// The members of an object by name, the first of several; what is not on the list, or stands twice, is a problem.
    mutating func members(
        of node: JSONNode, at path: ConfigurationPath, named names: [String]
    ) -> [String: JSONMember] {
        guard case .object(let members) = node.kind else {
            refuse(node, at: path, allowed: "an object")
            return [:]
        }
        var found: [String: JSONMember] = [:]
        for member in members {
            if let first = found[member.name] {
                reportRepeated(member, first: first, at: path.key(member.name))
            } else {
                found[member.name] = member
                if !names.contains(member.name) { reportUnknown(member, at: path, names: names) }
            }
        }
        return found
    }

    private mutating func reportRepeated(_ member: JSONMember, first: JSONMember, at path: ConfigurationPath) {
        problems.add(
            at: path,
            ConfigurationProblem(
                kind: .duplicateKey, keyPath: path.description,
                allowed: "one, and the first is at \(first.position?.description ?? "an earlier place")",
                position: member.position))
    }

    private mutating func reportUnknown(_ member: JSONMember, at path: ConfigurationPath, names: [String]) {
        problems.add(
            at: path.key(member.name),
            ConfigurationProblem(
                kind: .unknownKey, keyPath: path.key(member.name).description, allowed: names.joined(separator: ", "),
                nearest: Self.nearestKey(to: member.name, at: path, names: names), position: member.position))
    }

    /// A similar key of the same object, or else a key of this very name elsewhere.
    private static func nearestKey(to name: String, at path: ConfigurationPath, names: [String]) -> String? {
        if let near = NearestName.of(name, among: names) { return path.key(near).description }
        return ConfigurationKey.all.map(\.path).first { $0.hasSuffix(".\(name)") }
    }

    private static func nearestChoice(to node: JSONNode, among choices: [String]) -> String? {
        guard case .string(let text) = node.kind else { return nil }
        return NearestName.of(text, among: choices).map { "\"\($0)\"" }
    }
}
