import DTMCore

extension ValueRule<[WebhookConfiguration]> {
    static var webhooks: Self {
        Self(
            allowed: "at most \(WebhookConfiguration.maximumCount) webhooks",
            reading: { node, path, reader in
                reader.receivers(from: node, at: path, noun: "webhooks") { $0.webhook(from: $1, at: $2) }
            }, write: { .array($0.map(Schema.node)) })
    }
}

extension ValueRule<[CommandHookConfiguration]> {
    static var commandHooks: Self {
        Self(
            allowed: "at most \(WebhookConfiguration.maximumCount) commands",
            reading: { node, path, reader in
                reader.receivers(from: node, at: path, noun: "commands") { $0.commandHook(from: $1, at: $2) }
            }, write: { .array($0.map(Schema.node)) })
    }
}

extension ConfigurationReader {
    /// All of them or nil: whoever is to be told is told of by a whole list.
    fileprivate mutating func receivers<Value>(
        from node: JSONNode, at path: ConfigurationPath, noun: String,
        _ read: (inout Self, JSONNode, ConfigurationPath) -> Value?
    ) -> [Value]? {
        guard case .array(let elements) = node.kind, elements.count <= WebhookConfiguration.maximumCount else {
            refuse(
                node, at: path,
                allowed: "an array of objects, at most \(WebhookConfiguration.maximumCount) \(noun)")
            return nil
        }
        let found = objects(from: node, at: path, read)
        return found.count == elements.count ? found.map(\.value) : nil
    }

    fileprivate mutating func webhook(from node: JSONNode, at path: ConfigurationPath) -> WebhookConfiguration? {
        guard case .object = node.kind else {
            refuse(node, at: path, allowed: "an object with the keys name, url, and keyFile or credential")
            return nil
        }
        let members = members(of: node, at: path, named: Schema.webhookNames)
        let name = required("name", .tunnelName, from: members, of: node, at: path)
        let url = required("url", .webhookURL, from: members, of: node, at: path)
        let stores = stores(of: Schema.webhookFields, from: members, at: path)
        guard (members["keyFile"] == nil) != (members["credential"] == nil) else {
            refuse(node, at: path, allowed: "one of keyFile and credential, where the key that signs is")
            return nil
        }
        let hasKey = isWritten(path.key("keyFile")) || isWritten(path.key("credential"))
        guard let name, let url, hasKey else { return nil }
        // The key's place is one of the values that are stored.
        var webhook = WebhookConfiguration(name: name, url: url, key: .credential(""))
        for store in stores { store(&webhook) }
        guard url.isEncrypted || url.isLoopback || webhook.allowPlainHTTP else {
            conflict(
                at: path.key("url"), shown: .string(url.text),
                allowed: "https, or http to a loopback address as 127.0.0.1; http elsewhere with allowPlainHTTP alone")
            return nil
        }
        return webhook
    }

    fileprivate mutating func commandHook(
        from node: JSONNode, at path: ConfigurationPath
    ) -> CommandHookConfiguration? {
        guard case .object = node.kind else {
            refuse(node, at: path, allowed: "an object with the keys name and path")
            return nil
        }
        let members = members(of: node, at: path, named: Schema.commandHookNames)
        let name = required("name", .tunnelName, from: members, of: node, at: path)
        let file = required("path", .absolutePath, from: members, of: node, at: path)
        let stores = stores(of: Schema.commandHookFields, from: members, at: path)
        guard let name, let file else { return nil }
        var command = CommandHookConfiguration(name: name, path: file)
        for store in stores { store(&command) }
        return command
    }

    /// Names differ: status and events tell receivers apart by them.
    mutating func checkReceivers(_ notify: NotificationSettings) {
        let list = ConfigurationPath.root.key("notify")
        let webhooks = notify.webhooks.indices.map { list.key("webhooks").index($0) }
        let commands = notify.commands.indices.map { list.key("commands").index($0) }
        var first: [TunnelName: ConfigurationPath] = [:]
        for (name, path) in zip(
            notify.webhooks.map(\.name) + notify.commands.map(\.name), webhooks + commands)
        {
            if let earlier = first[name] {
                conflict(
                    .duplicateName, at: path.key("name"), shown: .string(name.text),
                    allowed: "a name of its own; \(earlier) has this one")
            } else {
                first[name] = path
            }
        }
    }
}
