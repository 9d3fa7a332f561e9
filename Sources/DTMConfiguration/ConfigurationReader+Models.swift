import DTMCore

extension ConfigurationReader {
    /// Reads the models; nil when one of them has a problem.
    mutating func models(from node: JSONNode, at path: ConfigurationPath) -> [ModelEndpoint]? {
        guard case .array(let elements) = node.kind, elements.count <= ModelEndpoint.maximumCount else {
            refuse(
                node, at: path,
                allowed: "at most \(ModelEndpoint.maximumCount) objects with the keys provider and model at least")
            return nil
        }
        var models: [ModelEndpoint] = []
        for (index, element) in elements.enumerated() {
            if let model = model(from: element, at: path.index(index)) { models.append(model) }
        }
        return models.count == elements.count ? models : nil
    }

    private mutating func model(from node: JSONNode, at path: ConfigurationPath) -> ModelEndpoint? {
        guard case .object = node.kind else {
            refuse(node, at: path, allowed: "an object with the keys provider and model at least")
            return nil
        }
        let members = members(of: node, at: path, named: Schema.modelNames)
        let provider = required("provider", ValueRule<ModelProvider>.choice, from: members, of: node, at: path)
        let name = required("model", .modelName, from: members, of: node, at: path)
        let stores = stores(of: Schema.modelFields, from: members, at: path)
        guard members["keyFile"] == nil || members["credential"] == nil else {
            refuse(node, at: path, allowed: "one of keyFile and credential")
            return nil
        }
        guard let provider, let name, let url = url(of: provider, from: members, of: node, at: path) else { return nil }
        var model = ModelEndpoint(provider: provider, url: url, model: name)
        if provider == .openAI || provider == .openAIResponses { model.key = .kept }
        for store in stores { store(&model) }
        return stores.count + 2 == members.count ? model : nil
    }

    /// The provider's own. Where the file has one, any will do for the time being: the file's is one of the values that
    /// are stored.
    private mutating func url(
        of provider: ModelProvider, from members: [String: JSONMember], of node: JSONNode, at path: ConfigurationPath
    ) -> ModelURL? {
        if let standard = provider.standardURL { return standard }
        if members["url"] != nil { return ModelProvider.ollama.standardURL }
        return required("url", .modelURL, from: members, of: node, at: path)
    }
}
