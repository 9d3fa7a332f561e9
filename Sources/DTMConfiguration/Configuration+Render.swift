import DTMCore

extension Configuration {
    /// The configuration as a `config.json`: every key of every section in a fixed order, and of each tunnel the keys
    /// that it states. Reading it again gives the same value, except for the provider's key.
    ///
    /// - Parameter masked: true writes asterisks in place of a provider's key, which show that there is one and are
    ///   refused as a key; false leaves it out. The key itself is never written.
    public func renderJSON(masked: Bool = true) -> String { JSONWriter.pretty(node(masked: masked)) + "\n" }

    private func node(masked: Bool) -> JSONNode {
        let sections = Schema.sections.map { section in
            (section.name, JSONNode.object(section.fields.map { ($0.name, $0.write(self)) }))
        }
        let key = openAIKeyPresent && masked ? [(Schema.keyOfTheProvider, JSONNode.string(JSONWriter.mask))] : []
        let lists = [
            (Schema.tunnels, JSONNode.array(tunnels.map(Schema.node))),
            (Schema.connectors, JSONNode.array(connectors.map(Schema.node))),
        ]
        return .object(sections + key + lists)
    }
}

extension Schema {
    /// A connector as it stands in a file.
    static func node(of connector: ConnectorConfiguration) -> JSONNode {
        let stated = connectorFields.map { ($0.name, $0.write(connector)) }.filter { $0.1.kind != .null }
        return .object([("tunnel", ValueRule.tunnelName.write(connector.tunnel))] + stated)
    }

    /// A tunnel as it stands in a file.
    static func node(of tunnel: TunnelConfiguration) -> JSONNode {
        let required = [
            ("name", ValueRule.tunnelName.write(tunnel.name)), ("target", ValueRule.target.write(tunnel.target)),
        ]
        let stated = tunnelFields.map { ($0.name, $0.write(tunnel)) }.filter { $0.1.kind != .null }
        return .object(required + stated)
    }
}
