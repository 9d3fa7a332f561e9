import DTMCore

extension Schema {
    static let modelNames = ["provider", "model"] + modelFields.map(\.name)

    /// The keys of a model besides its provider and name.
    static let modelFields: [Field<ModelEndpoint>] = [
        Field("url", \.url, .modelURL, inherited: "the provider's own; required for openai-compatible"),
        Field(optional: "keyFile", \.keyFile, .keyFile, inherited: "openai_api_key for OpenAI, otherwise none"),
        Field(optional: "credential", \.credential, .credentialName, inherited: "none"),
        Field(optional: "temperature", \.temperature, .number(ModelEndpoint.Bounds.temperature), inherited: "0"),
        Field("maximumTokens", \.maximumTokens, .count(ModelEndpoint.Bounds.maximumTokens), inherited: "2000"),
        Field("requestsPerMinute", \.requestsPerMinute, .count(ModelEndpoint.Bounds.requestsPerMinute), inherited: "6"),
        Field("tokensPerMinute", \.tokensPerMinute, .count(ModelEndpoint.Bounds.tokensPerMinute), inherited: "60000"),
        Field("dailyRequests", \.dailyRequests, .count(ModelEndpoint.Bounds.dailyRequests), inherited: "200"),
        Field("dailyTokens", \.dailyTokens, .count(ModelEndpoint.Bounds.dailyTokens), inherited: "1000000"),
    ]

    /// A model as it stands in a file.
    static func node(of model: ModelEndpoint) -> JSONNode {
        let required = [
            ("provider", ValueRule<ModelProvider>.choice.write(model.provider)),
            ("model", ValueRule<String>.modelName.write(model.model)),
        ]
        return .object(required + modelFields.map { ($0.name, $0.write(model)) }.filter { $0.1.kind != .null })
    }
}

extension ValueRule<[ModelEndpoint]> {
    /// The models of `analysis.models`.
    static var models: Self {
        Self(
            allowed: "at most \(ModelEndpoint.maximumCount) models",
            reading: { node, path, reader in reader.models(from: node, at: path) },
            write: { .array($0.map(Schema.node(of:))) })
    }
}

extension ValueRule<ModelURL> {
    static var modelURL: Self {
        Self(
            allowed: ModelURL.allowed,
            convert: { node in
                guard case .string(let text) = node.kind else { return nil }
                return ModelURL(text)
            }, write: { .string($0.description) })
    }
}

extension ValueRule<String> {
    /// The path of a file with a key.
    static var keyFile: Self {
        Self(
            allowed: "an absolute path without '.', '..' and empty parts",
            convert: { node in
                guard case .string(let text) = node.kind, text != "/" else { return nil }
                return AbsolutePath(text)?.text
            }, write: JSONNode.string)
    }

    /// The name of a systemd credential (systemd.exec(5)).
    static var credentialName: Self {
        Self(
            allowed: "1 to 255 characters of A-Z, a-z, 0-9, '.', '_' and '-', the first no '.'",
            convert: { node in
                guard case .string(let text) = node.kind, (1...255).contains(text.utf8.count), !text.hasPrefix("."),
                    text.utf8.allSatisfy(isOfName)
                else { return nil }
                return text
            }, write: JSONNode.string)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ConfigurationKey {
    static var modelKeys: [ConfigurationKey] {
        let required = [
            ("provider", ValueRule<ModelProvider>.choice.allowed), ("model", ValueRule<String>.modelName.allowed),
        ].map { name, allowed in
            Self(path: "analysis.models[].\(name)", unit: nil, defaultText: "required", allowed: allowed, effect: .live)
        }
        return required
            + Schema.modelFields.map { field in
                Self(
                    path: "analysis.models[].\(field.name)", unit: field.unit, defaultText: field.inherited ?? "none",
                    allowed: field.allowed, effect: field.effect)
            }
    }
}
