import DTMCore

extension Schema {
    static let tunnelNames = ["name", "target"] + tunnelFields.map(\.name)

    /// The keys of a tunnel that may be left out.
    static let tunnelFields: [Field<TunnelConfiguration>] = [
        Field(optional: "allow", \.allow, .policyRules, inherited: "the application's owner and root"),
        Field(
            optional: "intervalSeconds", \.intervalSeconds, .seconds(0.2...86_400),
            inherited: "rotation.intervalSeconds"),
        Field(
            optional: "overlapSeconds", \.overlapSeconds, .seconds(0...864_000), inherited: "rotation.overlapSeconds"),
        Field(optional: "portRange", \.portRange, .portRange, inherited: "rotation.portRange"),
        Field(optional: "addresses", \.addresses, .choice, inherited: "rotation.addresses"),
        Field(optional: "decoys", \.decoys, .count(decoyCounts), inherited: "rotation.decoys"),
        Field("proxyProtocol", \.proxyProtocol, .flag, inherited: "false"),
        Field(
            optional: "maximumConnections", \.maximumConnections, .count(1...1_000_000),
            inherited: "limits.maximumConnectionsPerTunnel"),
        Field(
            optional: "idleTimeoutSeconds", \.idleTimeoutSeconds, .secondsOrOff(1...604_800),
            inherited: "timeouts.idleSeconds"),
        Field(
            optional: "maximumConnectionAgeSeconds", \.maximumConnectionAgeSeconds, .secondsOrOff(1...2_592_000),
            inherited: "certificates.maximumConnectionAgeSeconds"),
        Field(
            optional: "connectTimeoutSeconds", \.connectTimeoutSeconds, .seconds(0.1...300),
            inherited: "timeouts.connectSeconds"),
    ]
}

/// A key of the file, described for people: for completions and for the documentation.
public struct ConfigurationKey: Hashable, Sendable {
    /// As `rotation.intervalSeconds` or `tunnels[].name`.
    public let path: String
    /// Nil where there is none.
    public let unit: String?
    /// A JSON value, the key that it is taken from, or `required`.
    public let defaultText: String
    /// What is allowed, as errors say it.
    public let allowed: String
    /// What a reload does with it.
    public let effect: ChangeEffect

    /// Every key, in the order in which a configuration is written.
    public static var all: [ConfigurationKey] {
        sectionKeys + modelKeys + notifyKeys + [keyOfTheProvider] + requiredTunnelKeys + tunnelKeys + connectorKeys
    }

    private static var sectionKeys: [ConfigurationKey] {
        Schema.sections.flatMap { section in
            section.fields.map { field in
                Self(
                    path: "\(section.name).\(field.name)", unit: field.unit,
                    defaultText: JSONWriter.compact(field.write(.defaults)), allowed: field.allowed,
                    effect: field.effect)
            }
        }
    }

    private static var keyOfTheProvider: ConfigurationKey {
        Self(
            path: Schema.keyOfTheProvider, unit: nil, defaultText: "none", allowed: ProviderKey.allowed, effect: .live)
    }

    private static var requiredTunnelKeys: [ConfigurationKey] {
        [("name", ValueRule<TunnelName>.tunnelName.allowed), ("target", ValueRule<Target>.target.allowed)].map {
            name, allowed in
            Self(path: "tunnels[].\(name)", unit: nil, defaultText: "required", allowed: allowed, effect: .live)
        }
    }

    private static var tunnelKeys: [ConfigurationKey] {
        Schema.tunnelFields.map { field in
            Self(
                path: "tunnels[].\(field.name)", unit: field.unit, defaultText: field.inherited ?? "none",
                allowed: field.allowed, effect: field.effect)
        }
    }
}
