import DTMCore

/// Values that are allowed by themselves and not beside each other.
extension ConfigurationReader {
    /// Runs every check. A value that already has a problem is left out.
    mutating func checkWhole(_ configuration: Configuration) {
        checkRotation(configuration.rotation)
        checkCertificates(configuration.certificates)
        checkLimits(configuration)
        for (tunnel, path) in zip(configuration.tunnels, tunnelPaths) { check(tunnel, at: path, in: configuration) }
        checkNames(configuration.tunnels, paths: tunnelPaths)
        checkReceivers(configuration.notify)
        checkConnectors(configuration.connectors, paths: connectorPaths)
        // Its time grows with the square of the number of tunnels.
        guard configuration.tunnels.count <= configuration.limits.maximumTunnels else { return }
        checkPorts(configuration.tunnels, paths: tunnelPaths, in: configuration)
    }

    private mutating func checkRotation(_ rotation: RotationSettings) {
        let path = ConfigurationPath("rotation", "overlapSeconds")
        let interval = ConfigurationPath("rotation", "intervalSeconds")
        guard !problems.contains(path), !problems.contains(interval) else { return }
        checkOverlap(rotation.overlapSeconds, interval: rotation.intervalSeconds, at: path)
    }

    private mutating func checkOverlap(_ overlap: Double, interval: Double, at path: ConfigurationPath) {
        let longest = UInt64(milliseconds(interval)) * UInt64(Configuration.maximumOverlapIntervals)
        guard UInt64(milliseconds(overlap)) > longest else { return }
        conflict(
            at: path, shown: .number(overlap),
            allowed: "at most \(Configuration.maximumOverlapIntervals) intervals of "
                + "\(JSONNumber.shortest(interval)) seconds, \(JSONNumber.shortest(Double(longest) / 1_000)) seconds")
    }

    private mutating func checkCertificates(_ certificates: CertificateSettings) {
        let leaf = ConfigurationPath("certificates", "leafLifetimeSeconds")
        guard !problems.contains(leaf) else { return }
        let lifetime = certificates.leafLifetimeSeconds
        if certificates.renewalMarginSeconds > lifetime * 0.8 {
            conflict(
                at: ConfigurationPath("certificates", "renewalMarginSeconds"),
                shown: .number(certificates.renewalMarginSeconds),
                allowed: "at most four fifths of leafLifetimeSeconds, \(JSONNumber.shortest(lifetime * 0.8)) seconds")
        }
        if certificates.authorityLifetimeSeconds < lifetime * Configuration.leavesPerAuthority {
            conflict(
                at: ConfigurationPath("certificates", "authorityLifetimeSeconds"),
                shown: .number(certificates.authorityLifetimeSeconds),
                allowed: "at least four times leafLifetimeSeconds, "
                    + "\(JSONNumber.shortest(lifetime * Configuration.leavesPerAuthority)) seconds")
        }
    }

    private mutating func checkLimits(_ configuration: Configuration) {
        let limits = configuration.limits
        let path = ConfigurationPath("limits", "maximumConnectionsPerTunnel")
        if isWritten(path) { checkConnections(limits.maximumConnectionsPerTunnel, at: path, limits: limits) }
        guard configuration.tunnels.count > limits.maximumTunnels else { return }
        conflict(
            at: .root.key(Schema.tunnels), shown: JSONNode(.null),
            allowed: "at most limits.maximumTunnels, \(limits.maximumTunnels) tunnels; "
                + "there are \(configuration.tunnels.count)")
    }

    private mutating func checkConnections(_ count: Int, at path: ConfigurationPath, limits: LimitSettings) {
        guard count > limits.maximumConnections else { return }
        conflict(
            at: path, shown: .number(count),
            allowed: "at most limits.maximumConnections, \(limits.maximumConnections)")
    }

    /// One tunnel beside the sections.
    mutating func check(_ tunnel: TunnelConfiguration, at path: ConfigurationPath, in configuration: Configuration) {
        if let overlap = tunnel.overlapSeconds, !problems.contains(path.key("intervalSeconds")) {
            checkOverlap(
                overlap, interval: tunnel.intervalSeconds ?? configuration.rotation.intervalSeconds,
                at: path.key("overlapSeconds"))
        }
        if let count = tunnel.maximumConnections {
            checkConnections(count, at: path.key("maximumConnections"), limits: configuration.limits)
        }
    }

    /// Names differ from each other.
    mutating func checkNames(_ tunnels: [TunnelConfiguration], paths: [ConfigurationPath]) {
        var first: [TunnelName: ConfigurationPath] = [:]
        for (tunnel, path) in zip(tunnels, paths) {
            if let earlier = first[tunnel.name] {
                conflict(
                    .duplicateName, at: path.key("name"), shown: .string(tunnel.name.text),
                    allowed: "a name of its own; \(earlier) has this one")
            } else {
                first[tunnel.name] = path
            }
        }
    }

    /// Places differ from each other.
    mutating func checkConnectors(_ connectors: [ConnectorConfiguration], paths: [ConfigurationPath]) {
        let list = ConfigurationPath.root.key(Schema.connectors)
        if connectors.count > ConnectorConfiguration.maximumCount {
            conflict(
                at: list, shown: JSONNode(.null),
                allowed: "at most \(ConnectorConfiguration.maximumCount) connectors; there are \(connectors.count)")
        }
        var first: [ConnectorConfiguration.Place: ConfigurationPath] = [:]
        for (connector, path) in zip(connectors, paths) {
            guard let earlier = first[connector.place] else {
                first[connector.place] = path
                continue
            }
            let key = connector.listen == nil ? "unix" : "listen"
            conflict(
                at: path.key(key), shown: .string(connector.place.description),
                allowed: "a place of its own; \(earlier) has this one")
        }
    }

    /// Ranges hold the endpoints of their tunnels.
    mutating func checkPorts(
        _ tunnels: [TunnelConfiguration], paths: [ConfigurationPath], in configuration: Configuration
    ) {
        let budget = PortBudget(skippedPorts: context.skippedPorts)
        for shortage in budget.shortages(of: tunnels.map { PortDemand(configuration.effective($0)) }) {
            let stated = zip(tunnels, paths).first { tunnel, _ in
                tunnel.portRange.map {
                    shortage.range.contains($0.lowerBound) && shortage.range.contains($0.upperBound)
                }
                    ?? false
            }
            conflict(
                .portShortage, at: stated?.1.key("portRange") ?? ConfigurationPath("rotation", "portRange"),
                shown: ValueRule<ClosedRange<UInt16>>.portRange.write(shortage.range), allowed: shortage.allowed)
        }
    }
}
