public import NIOCore

/// How a connector behaves while it looks for its tunnel.
public struct DialLimits: Hashable, Sendable {
    /// For one connection of the application, over all attempts.
    public var overall: TimeAmount
    /// For one attempt, the handshake and the server's connection to the target included.
    public var attempt: TimeAmount
    /// How long an endpoint may keep an attempt waiting before the next one is tried beside it. A tunnel on this host
    /// answers within milliseconds; who accepts and says nothing is no tunnel, or one that has too much to do.
    public var patience: TimeAmount

    public init(
        overall: TimeAmount = .seconds(15), attempt: TimeAmount = .seconds(6),
        patience: TimeAmount = .milliseconds(250)
    ) {
        self.overall = overall
        self.attempt = attempt
        self.patience = patience
    }
}
