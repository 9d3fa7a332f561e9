import DTMCore

/// What `dtm up` prints when it serves: where things are, and how to protect what listens here.
struct Banner: Sendable {
    var home: String
    /// Nil for the defaults.
    var configuration: String?
    var warnings: [String]
    /// Whether state survives a restart.
    var isSealed = false
    var sockets: [String]
    var tunnels: [TunnelName]
    var places: [ListeningPlace]

    var text: String {
        var lines = [
            "dtm \(DTMVersion.text) is up",
            "  home            \(home)",
            "  configuration   \(configuration ?? "defaults (no file)")",
            "  control socket  \(sockets.joined(separator: ", "))",
            isSealed
                ? "  mode            sealed: keys, certificates and tunnels are kept, encrypted"
                : "  mode            ephemeral: keys, certificates and tunnels are forgotten at the end, and nothing is "
                    + "backed up (dtm state init)",
        ]
        lines += warnings.map { "  warning         \($0)" }
        if !tunnels.isEmpty { lines.append("  tunnels         \(tunnels.map(\.text).joined(separator: ", "))") }
        return (lines + [""] + listeners).joined(separator: "\n") + "\n"
    }

    private var listeners: [String] {
        guard !places.isEmpty else {
            return [
                "No local TCP listener was found that is not DTM's own. Start an application, then: dtm protect HOST:PORT"
            ]
        }
        var taken = Set(tunnels)
        let rows = places.map { place -> (String, String) in
            let subject = ResolvedSubject(
                target: place.target, ownerUID: place.ownerUID, application: place.application,
                listeners: place.addresses)
            let name = TunnelNaming.name(for: subject, isTaken: taken.contains)
            if let name { taken.insert(name) }
            let command = "dtm protect \(place.target)" + (name.map { " --name \($0)" } ?? "")
            return (command, "\(place.process.name), pid \(place.process.pid), user \(place.process.user)")
        }
        let width = rows.map(\.0.count).max() ?? 0
        let first = rows.first.flatMap { $0.0.split(separator: " ").last.map(String.init) } ?? "NAME"
        return ["Local listeners, each with the command that protects it:"]
            + rows.map { "  \($0.0)\(String(repeating: " ", count: width - $0.0.count))   # \($0.1)" }
            + ["Then use it through its tunnel: dtm connect \(first) --listen 127.0.0.1:0"]
    }

    /// Listeners of this host that are worth a tunnel: TCP, at loopback or at any address; neither those of any
    /// manager or connector, nor the system's remote login and name resolution.
    static func protectable(_ observations: [ApplicationObservation], own: OwnParts) -> [ListeningPlace] {
        let systems: Set<String> = ["sshd", "systemd-resolve", "systemd-resolved", "dnsmasq", "named", "unbound"]
        let candidates = observations.filter { process in
            let isDTM = process.name == "dtm" || process.name.hasPrefix("dtm-")
            return !isDTM && !own.processes.contains(process.pid) && !systems.contains(process.name)
        }
        return ListeningPlace.collect(candidates).filter { place in
            guard case .tcp(_, let port) = place.target, port != 22, port != 53 else { return false }
            return place.addresses.contains { $0.isLoopback || $0.isAny }
                && !place.listeners.contains { listener in listener.endpoint.map(own.endpoints.contains) ?? false }
        }
    }
}
