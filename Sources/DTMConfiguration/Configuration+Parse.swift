import DTMCore

extension Configuration {
    /// Reads the text of a `config.json`. A provider's key in it is checked and left where it is.
    ///
    /// - Parameter source: where the text came from, for messages.
    /// - Throws: ``ConfigurationError`` with all problems of the text, when there is one or more.
    public static func parse(
        _ text: [UInt8], source: String, context: ConfigurationContext = ConfigurationContext()
    ) throws(ConfigurationError) -> Self {
        let result = text.withUnsafeBytes { bytes in
            Result { () throws(ConfigurationError) in
                try parse(bytes: bytes, source: source, context: context) { _ in }
            }
        }
        return try result.get()
    }

    /// Reads the text of a `config.json` that is lent for the time of the call.
    ///
    /// - Parameter receivingKey: is called once, when the whole text is valid and holds `openai_api_key`, with the
    ///   bytes of the key where they are in `bytes`. It copies them into protected memory.
    /// - Throws: ``ConfigurationError`` with all problems of the text, or with what `receivingKey` threw.
    public static func parse(
        bytes: UnsafeRawBufferPointer, source: String, context: ConfigurationContext = ConfigurationContext(),
        receivingKey: (UnsafeRawBufferPointer) throws -> Void
    ) throws(ConfigurationError) -> Self {
        let root: JSONNode
        do {
            root = try JSONParser.parse(bytes, hiding: [Schema.keyOfTheProvider])
        } catch {
            throw .syntax(error, source: source)
        }
        var reader = ConfigurationReader(context: context)
        let configuration = reader.configuration(from: root)
        reader.checkWhole(configuration)
        guard reader.problems.problems.isEmpty else { throw .invalid(reader.problems, source: source) }
        guard let range = reader.keyRange else { return configuration }
        do {
            try receivingKey(UnsafeRawBufferPointer(rebasing: bytes[range]))
        } catch {
            throw .keyNotStored(source: source, cause: error)
        }
        return configuration
    }

    /// Checks a tunnel that was asked for at run time as `parse` checks the tunnels of the file.
    ///
    /// - Parameters:
    ///   - others: the tunnels that there are, those of the file and those added at run time.
    ///   - source: what asked for it, for messages.
    /// - Returns: the tunnel with everything filled in.
    /// - Throws: ``ConfigurationError`` with all problems; their key paths are those of a tunnel, as `portRange`.
    public func validate(
        _ tunnel: TunnelConfiguration, beside others: [TunnelConfiguration], source: String = "the request",
        context: ConfigurationContext = ConfigurationContext()
    ) throws(ConfigurationError) -> EffectiveTunnel {
        var reader = ConfigurationReader(context: context)
        if reader.tunnel(from: Schema.node(of: tunnel), at: .root) != nil, reader.problems.problems.isEmpty {
            reader.check(tunnel, at: .root, in: self)
            reader.checkAddition(of: tunnel, to: others, in: self)
        }
        guard reader.problems.problems.isEmpty else { throw .invalid(reader.problems, source: source) }
        return effective(tunnel)
    }
}

extension ConfigurationReader {
    /// What a tunnel may clash with among the others. Problems that the others have without it are not its own.
    fileprivate mutating func checkAddition(
        of tunnel: TunnelConfiguration, to others: [TunnelConfiguration], in configuration: Configuration
    ) {
        if others.contains(where: { $0.name == tunnel.name }) {
            conflict(
                .duplicateName, at: .root.key("name"), shown: .string(tunnel.name.text),
                allowed: "a name that no other tunnel has")
        }
        if others.count >= configuration.limits.maximumTunnels {
            conflict(
                at: .root.key("name"), shown: .string(tunnel.name.text),
                allowed: "no further tunnel: limits.maximumTunnels is \(configuration.limits.maximumTunnels)")
        }
        let budget = PortBudget(skippedPorts: context.skippedPorts)
        let demands = others.map { PortDemand(configuration.effective($0)) }
        let before = Set(budget.shortages(of: demands))
        let after = budget.shortages(of: demands + [PortDemand(configuration.effective(tunnel))])
        for shortage in after where !before.contains(shortage) {
            conflict(
                .portShortage, at: .root.key("portRange"),
                shown: ValueRule<ClosedRange<UInt16>>.portRange.write(shortage.range), allowed: shortage.allowed)
        }
    }
}
