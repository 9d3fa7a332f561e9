import DTMCore

extension ConfigurationChange {
    /// Connectors are matched by where they listen; their order does not count.
    static func connectors(_ old: Configuration, _ new: Configuration) -> [Item] {
        let before = Dictionary(old.connectors.map { ($0.place, $0) }) { first, _ in first }
        let after = Set(new.connectors.map(\.place))
        let kept = new.connectors.flatMap { connector in
            before[connector.place].map { items(from: $0, to: connector) }
                ?? [Item(keyPath: path(connector), new: text(Schema.node(of: connector)), effect: .live)]
        }
        let gone = old.connectors.filter { !after.contains($0.place) }.map { connector in
            Item(keyPath: path(connector), old: text(Schema.node(of: connector)), effect: .live)
        }
        return kept + gone
    }

    private static func items(from old: ConnectorConfiguration, to new: ConnectorConfiguration) -> [Item] {
        var items: [Item] = []
        if old.tunnel != new.tunnel {
            items.append(
                Item(
                    keyPath: "\(path(new)).tunnel", old: text(.string(old.tunnel.text)),
                    new: text(.string(new.tunnel.text)), effect: .live))
        }
        for field in Schema.connectorFields where field.write(old) != field.write(new) {
            items.append(
                Item(
                    keyPath: "\(path(new)).\(field.name)", old: text(field.write(old)), new: text(field.write(new)),
                    effect: field.effect, weakening: field.weakening(old, new)))
        }
        return items
    }

    private static func path(_ connector: ConnectorConfiguration) -> String { "connectors[\(connector.place)]" }
}
