import DTMCore

extension Schema {
    static let webhookNames = ["name", "url"] + webhookFields.map(\.name)
    static let commandHookNames = ["name", "path"] + commandHookFields.map(\.name)

    private static let untold = "fewer are told of findings and responses"

    static let notify: [Field<NotificationSettings>] = [
        Field(
            "webhooks", \.webhooks, .webhooks,
            weakens: Weakening(reason: untold) { old, new in
                lessens(old.map { ($0.name, $0.limits) }, new.map { ($0.name, $0.limits) })
            }),
        Field(
            "commands", \.commands, .commandHooks,
            weakens: Weakening(reason: untold) { old, new in
                lessens(old.map { ($0.name, $0.limits) }, new.map { ($0.name, $0.limits) })
            }),
    ]

    /// The keys of a webhook besides its name and URL. One of `keyFile` and `credential` has to be there.
    static let webhookFields: [Field<WebhookConfiguration>] =
        [
            Field(optional: "keyFile", \.keyFile, .absolutePath, inherited: "this or credential is required"),
            Field(optional: "credential", \.credential, .credentialName, inherited: "this or keyFile is required"),
            Field("allowPlainHTTP", \.allowPlainHTTP, .flag, inherited: "false"),
        ] + limitFields.map { $0.lifted(\.limits) }

    /// The keys of a command besides its name and path.
    static let commandHookFields: [Field<CommandHookConfiguration>] = limitFields.map { $0.lifted(\.limits) }

    private static let limitFields: [Field<NotificationLimits>] = [
        Field("minimumSeverity", \.minimumSeverity, .choice, inherited: "notice"),
        Field("minimumRisk", \.minimumRisk, .count(0...100), inherited: "0"),
        Field("maximumPerMinute", \.maximumPerMinute, .count(1...600), inherited: "60"),
        Field("timeoutSeconds", \.timeoutSeconds, .seconds(1...60), inherited: "10"),
    ]

    private static func lessens(
        _ old: [(TunnelName, NotificationLimits)], _ new: [(TunnelName, NotificationLimits)]
    ) -> Bool {
        let after = Dictionary(new) { first, _ in first }
        return old.contains { name, before in
            guard let after = after[name] else { return true }
            return after.minimumSeverity > before.minimumSeverity || after.minimumRisk > before.minimumRisk
                || after.maximumPerMinute < before.maximumPerMinute
        }
    }

    static func node(of webhook: WebhookConfiguration) -> JSONNode {
        let required = [
            ("name", ValueRule.tunnelName.write(webhook.name)), ("url", ValueRule.webhookURL.write(webhook.url)),
        ]
        return .object(required + webhookFields.map { ($0.name, $0.write(webhook)) }.filter { $0.1.kind != .null })
    }

    static func node(of command: CommandHookConfiguration) -> JSONNode {
        let required = [
            ("name", ValueRule.tunnelName.write(command.name)), ("path", JSONNode.string(command.path.text)),
        ]
        return .object(required + commandHookFields.map { ($0.name, $0.write(command)) })
    }
}

extension WebhookConfiguration {
    /// The key's place when it is a file.
    var keyFile: AbsolutePath? {
        get { if case .file(let path) = key { path } else { nil } }
        set { if let newValue { key = .file(newValue) } }
    }

    /// The key's place when it is a credential.
    var credential: String? {
        get { if case .credential(let name) = key { name } else { nil } }
        set { if let newValue { key = .credential(newValue) } }
    }
}

extension ValueRule<AbsolutePath> {
    /// The path of a file.
    static var absolutePath: Self {
        Self(
            allowed: "an absolute path without '.', '..' and empty parts",
            convert: { node in
                guard case .string(let text) = node.kind, text != "/" else { return nil }
                return AbsolutePath(text)
            }, write: { .string($0.text) })
    }
}

extension ValueRule<WebhookURL> {
    static var webhookURL: Self {
        Self(
            allowed: "\"https://host/path\" or, to a loopback address, \"http://127.0.0.1:port/path\"; "
                + "without user, password and fragment",
            convert: { node in
                guard case .string(let text) = node.kind else { return nil }
                return WebhookURL(text)
            }, write: { .string($0.text) })
    }
}

extension ConfigurationKey {
    static var notifyKeys: [ConfigurationKey] {
        required("notify.webhooks[]", "name", ValueRule<TunnelName>.tunnelName.allowed)
            + required("notify.webhooks[]", "url", ValueRule<WebhookURL>.webhookURL.allowed)
            + keys("notify.webhooks[]", Schema.webhookFields)
            + required("notify.commands[]", "name", ValueRule<TunnelName>.tunnelName.allowed)
            + required("notify.commands[]", "path", ValueRule<AbsolutePath>.absolutePath.allowed)
            + keys("notify.commands[]", Schema.commandHookFields)
    }

    private static func required(_ list: String, _ name: String, _ allowed: String) -> [ConfigurationKey] {
        [Self(path: "\(list).\(name)", unit: nil, defaultText: "required", allowed: allowed, effect: .live)]
    }

    private static func keys<Section>(_ list: String, _ fields: [Field<Section>]) -> [ConfigurationKey] {
        fields.map { field in
            Self(
                path: "\(list).\(field.name)", unit: field.unit, defaultText: field.inherited ?? "none",
                allowed: field.allowed, effect: field.effect)
        }
    }
}
