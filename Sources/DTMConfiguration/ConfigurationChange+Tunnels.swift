import DTMCore

extension ConfigurationChange {
    static func tunnels(_ old: Configuration, _ new: Configuration) -> [Item] {
        let before = Dictionary(old.tunnels.map { ($0.name, $0) }) { first, _ in first }
        let after = Set(new.tunnels.map(\.name))
        let kept = new.tunnels.flatMap { tunnel in
            before[tunnel.name].map { items(from: $0, in: old, to: tunnel, in: new) } ?? [added(tunnel)]
        }
        return kept + old.tunnels.filter { !after.contains($0.name) }.map(removed)
    }

    private static func added(_ tunnel: TunnelConfiguration) -> Item {
        Item(keyPath: "tunnels[\(tunnel.name)]", new: text(Schema.node(of: tunnel)), effect: .live)
    }

    private static func removed(_ tunnel: TunnelConfiguration) -> Item {
        Item(
            keyPath: "tunnels[\(tunnel.name)]", old: text(Schema.node(of: tunnel)), effect: .live,
            weakening: "\(tunnel.target) is no longer behind a tunnel")
    }

    private static func items(
        from old: TunnelConfiguration, in oldWhole: Configuration, to new: TunnelConfiguration,
        in newWhole: Configuration
    ) -> [Item] {
        let (before, after) = (members(of: old), members(of: new))
        let (oldTunnel, newTunnel) = (oldWhole.effective(old), newWhole.effective(new))
        return Schema.tunnelNames.compactMap { name in
            guard before[name] != after[name] else { return nil }
            return Item(
                keyPath: "tunnels[\(new.name)].\(name)", old: before[name].flatMap(text),
                new: after[name].flatMap(text),
                effect: .live, weakening: weakening(of: name, from: oldTunnel, to: newTunnel))
        }
    }

    private static func members(of tunnel: TunnelConfiguration) -> [String: JSONNode] {
        guard case .object(let members) = Schema.node(of: tunnel).kind else { return [:] }
        return Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }
    }

    /// Judged by what is in force, so that stating a value that was inherited before weakens nothing.
    private static func weakening(of name: String, from old: EffectiveTunnel, to new: EffectiveTunnel) -> String? {
        switch name {
        case "allow":
            widens(from: old.allow, to: new.allow) ? "callers that were refused may be let in" : nil
        case "intervalSeconds":
            new.intervalMilliseconds > old.intervalMilliseconds ? longer : nil
        case "overlapSeconds":
            new.overlapMilliseconds > old.overlapMilliseconds ? longer : nil
        case "portRange":
            new.portRange.count < old.portRange.count ? "a scan has fewer ports to try" : nil
        case "addresses":
            old.addresses == .hop && new.addresses == .fixed ? "a scan has one address to try" : nil
        case "decoys":
            new.decoys < old.decoys ? Schema.fewerDecoys : nil
        case "proxyProtocol":
            old.proxyProtocol && !new.proxyProtocol ? "the target is no longer told who connects" : nil
        case "maximumConnectionAgeSeconds":
            isLongerAge(from: old.maximumAgeMilliseconds, to: new.maximumAgeMilliseconds)
                ? "a connection may outlive its certificate by more" : nil
        default: nil
        }
    }

    private static let longer = "an endpoint that somebody has found stays of use for longer"

    /// A rule that was not there may let in somebody else; so may going to the default or from it, for what the default
    /// allows depends on the application.
    private static func widens(from old: [String]?, to new: [String]?) -> Bool {
        guard let old, let new else { return old != new }
        let (before, after) = (old.map { try? PolicyRule($0) }, new.map { try? PolicyRule($0) })
        return !after.allSatisfy { rule in
            before.contains { earlier in
                guard let rule, let earlier else { return false }
                return rule.isWithin(earlier)
            }
        }
    }

    private static func isLongerAge(from old: UInt32, to new: UInt32) -> Bool {
        old != new && (new == 0 || (old != 0 && new > old))
    }
}
