public import DTMCore

/// Which end of a tunnel an identity stands for.
public enum PeerRole: String, Hashable, Sendable, CaseIterable {
    /// `tunnel/<tunnel id>`: a TLS server.
    case listener
    /// `client/<tunnel id>/<who>`: a TLS client of one tunnel.
    case client
}

extension SPIFFEID {
    /// The role that the path says, and the tunnel; nil when it is neither form, or when the tunnel id is not written
    /// in its one form of 32 lower-case digits.
    public var peerRole: (role: PeerRole, tunnel: TunnelID)? {
        let role: PeerRole
        switch (segments.first, segments.count) {
        case ("tunnel", 2): role = .listener
        case ("client", 3): role = .client
        default: return nil
        }
        guard let tunnel = TunnelID(segments[1]), tunnel.description == segments[1] else { return nil }
        return (role, tunnel)
    }
}

/// Whom the other end of a connection must be.
public enum ExpectedPeer: Hashable, Sendable {
    /// Any client of this tunnel.
    case client(of: TunnelID)
    /// This listener and no other.
    case listener(SPIFFEID)
}
