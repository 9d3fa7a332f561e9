import DTMCore

extension Schema {
    static let connectorNames = ["tunnel"] + connectorFields.map(\.name)

    /// The keys of a connector besides its tunnel. One of `listen` and `unix` has to be there.
    static let connectorFields: [Field<ConnectorConfiguration>] = [
        Field(optional: "listen", \.listen, .loopbackEndpoint, inherited: "this or unix is required"),
        Field(optional: "unix", \.unix, .unixPath, inherited: "this or listen is required"),
        Field(
            "allowAnyLocal", \.allowAnyLocal, .flag, inherited: "false",
            weakens: Weakening(reason: "programs of other users are let in") { !$0 && $1 }),
    ]
}

extension ValueRule<Endpoint> {
    /// Bytes on it are not encrypted, so it stays on this host.
    static var loopbackEndpoint: Self {
        Self(
            allowed: "\"127.0.0.1:port\" or another loopback address, as \"[::1]:port\"; port 1 to 65535",
            convert: { node in
                guard case .string(let text) = node.kind, let endpoint = Endpoint(text), endpoint.port != 0,
                    endpoint.address.isLoopback
                else { return nil }
                return endpoint
            }, write: { .string($0.description) })
    }
}

extension ValueRule<String> {
    /// The path of a Unix socket.
    static var unixPath: Self {
        Self(
            allowed: "an absolute path without '.', '..' and empty parts, at most \(Target.maximumUnixPathBytes) bytes",
            convert: { node in
                guard case .string(let text) = node.kind, text.utf8.count <= Target.maximumUnixPathBytes, text != "/"
                else {
                    return nil
                }
                return AbsolutePath(text)?.text
            }, write: JSONNode.string)
    }
}

extension ConfigurationKey {
    static var connectorKeys: [ConfigurationKey] {
        let tunnel = Self(
            path: "connectors[].tunnel", unit: nil, defaultText: "required",
            allowed: ValueRule<TunnelName>.tunnelName.allowed, effect: .live)
        return [tunnel]
            + Schema.connectorFields.map { field in
                Self(
                    path: "connectors[].\(field.name)", unit: field.unit, defaultText: field.inherited ?? "none",
                    allowed: field.allowed, effect: field.effect)
            }
    }
}
