public import DTMCore

extension Configuration {
    /// The models that are asked, in their order: those of `analysis.models`; without any, `analysis.model` at OpenAI when
    /// there is `openai_api_key`.
    public var modelEndpoints: [ModelEndpoint] {
        guard analysis.models.isEmpty, openAIKeyPresent, let url = ModelProvider.openAI.standardURL else {
            return analysis.models
        }
        var endpoint = ModelEndpoint(provider: .openAI, url: url, model: analysis.model)
        endpoint.key = .kept
        return [endpoint]
    }
}

extension ModelEndpoint {
    /// The key's file, as the key `keyFile`.
    var keyFile: String? {
        get { if case .file(let path) = key { path } else { nil } }
        set { if let newValue { key = .file(path: newValue) } }
    }

    /// The key's credential, as the key `credential`.
    var credential: String? {
        get { if case .credential(let name) = key { name } else { nil } }
        set { if let newValue { key = .credential(name: newValue) } }
    }
}
