public import DTMCore

/// Which listeners get a tunnel by themselves, under which name, and how long they keep it after they are gone. A pure
/// value.
///
/// A listener gets one when it is TCP, at a loopback address or at all addresses, not DTM's own, met by no rule of the
/// denials, and, where there are allowances, met by one of them. Denials go before allowances.
public struct AutoTunnelPolicy: Hashable, Sendable {
    /// Empty: all that is not denied.
    public let allow: [ListenerRule]
    /// The caller's own denials.
    public let deny: [ListenerRule]
    /// Whether ``defaultDeny`` is in force beside ``deny``.
    public let usesDefaultDeny: Bool
    /// How long a tunnel stays after its application is gone: a restart must not cost the tunnel.
    public let grace: Duration

    /// The grace period unless another one is set.
    public static let defaultGrace: Duration = .seconds(30)

    public init(
        allow: [ListenerRule] = [], deny: [ListenerRule] = [], usesDefaultDeny: Bool = true,
        grace: Duration = defaultGrace
    ) {
        self.allow = allow
        self.deny = deny
        self.usesDefaultDeny = usesDefaultDeny
        self.grace = max(.zero, grace)
    }

    /// What gets no tunnel unless the configuration says otherwise: DTM itself, the ways into a host that is in trouble, and
    /// services of the system that every program expects at their own place.
    public static let defaultDeny: [ListenerRule] =
        [
            // DTM itself.
            .application("dtm"), .applicationPrefix("dtm-"),
            // Remote shells, and what they forward.
            .applicationPrefix("sshd"), .application("dropbear"),
            // Resolvers.
            .applicationPrefix("systemd-resolve"), .application("dnsmasq"), .application("unbound"),
            .application("named"),
            .ports(53...53),
            // Addresses and names of the network.
            .application("dhclient"), .application("dhcpcd"), .applicationPrefix("avahi-daemon"),
            // Printers; the port mapper.
            .application("cupsd"), .application("cups-browsed"), .application("rpcbind"),
            // Sockets that the service manager holds for services that have not begun.
            .application("systemd"), .application("init"),
        ].map { ListenerRule($0) }

    /// Decides about one listener.
    public func decide(_ candidate: ListenerCandidate) -> AutoTunnelDecision {
        if let reason = Self.unsuitability(candidate) { return .refused(rule: nil, reason) }
        if candidate.isOwn { return .refused(rule: nil, "\(candidate) belongs to DTM itself") }
        if let refusal = denial(candidate) { return refusal }
        guard !allow.isEmpty else {
            return AutoTunnelDecision(isProtected: true, rule: nil, reason: "\(candidate) is denied by no rule")
        }
        guard let rule = allow.first(where: { $0.matches(candidate) == true }) else {
            let rules = Self.summary(allow)
            return .refused(rule: nil, "\(candidate) matches no rule of autoTunnel.allow (\(rules))")
        }
        return AutoTunnelDecision(
            isProtected: true, rule: "\(rule)",
            reason: "\(candidate) matches rule \(Self.shown(rule)) of autoTunnel.allow")
    }

    /// Whether the tunnel of an application that has been gone for a time is to be removed.
    public func isOver(goneFor time: Duration) -> Bool { time >= grace }

    private func denial(_ candidate: ListenerCandidate) -> AutoTunnelDecision? {
        if let rule = deny.first(where: { $0.matches(candidate) == true }) {
            return .refused(rule: "\(rule)", "\(candidate) matches rule \(Self.shown(rule)) of autoTunnel.deny")
        }
        if let rule = deny.first(where: { $0.matches(candidate) == nil }) {
            return .refused(
                rule: "\(rule)",
                "rule \(Self.shown(rule)) of autoTunnel.deny can't be told for \(candidate): too little of the process is "
                    + "readable")
        }
        return usesDefaultDeny ? defaultDenial(candidate) : nil
    }

    private func defaultDenial(_ candidate: ListenerCandidate) -> AutoTunnelDecision? {
        if let rule = Self.defaultDeny.first(where: { $0.matches(candidate) == true }) {
            return .refused(rule: "\(rule)", "\(candidate) matches rule \(Self.shown(rule)) of the default denials")
        }
        // To a manager without rights, the system's sshd is a process that it can't read. Whoever allows the port knows.
        let isTold = !Self.defaultDeny.contains { $0.matches(candidate) == nil }
        guard !isTold, !allow.contains(where: { $0.matches(candidate) == true }) else { return nil }
        return .refused(
            rule: nil,
            "\(candidate) can't be told from the services of the default denials, for its process is not readable; "
                + "autoTunnel.allow can name its port")
    }

    private static func unsuitability(_ candidate: ListenerCandidate) -> String? {
        guard candidate.listener.transport == .tcp || candidate.listener.transport == .tcp6,
            case .ip(let endpoint) = candidate.listener.place
        else { return "\(candidate) is no TCP listener" }
        guard endpoint.port != 0 else { return "\(candidate) has no port" }
        guard endpoint.address.isLoopback || endpoint.address.isAny else {
            return "\(candidate) listens at one address of the network, and neither at loopback nor at all addresses"
        }
        return nil
    }

    private static func summary(_ rules: [ListenerRule]) -> String {
        let text = rules.prefix(8).map(shown).joined(separator: ", ")
        return rules.count > 8 ? "\(text) and \(rules.count - 8) more" : text
    }

    private static func shown(_ rule: ListenerRule) -> String { AdmissionPolicy.shown("\(rule)") }
}

/// What the policy says about one listener, with its reason.
public struct AutoTunnelDecision: Hashable, Sendable {
    public var isProtected: Bool
    /// The rule that decided, as it was written; nil when none did.
    public var rule: String?
    /// One sentence.
    public var reason: String

    public init(isProtected: Bool, rule: String?, reason: String) {
        self.isProtected = isProtected
        self.rule = rule
        self.reason = reason
    }

    fileprivate static func refused(rule: String?, _ reason: String) -> Self {
        Self(isProtected: false, rule: rule, reason: reason)
    }
}
