public import DTMCore
public import NIOCore
import NIOConcurrencyHelpers
public import NIOSSL

/// Told what happens at the listeners of a tunnel. Called on event loops: it must not block.
public protocol TunnelObserver: Sendable {
    func incident(_ incident: Incident)
    func flowBegan(_ flow: FlowStart)
    func flowEnded(_ flow: FlowRecord)
}

/// What the sessions of one tunnel share, whichever of its listeners and event loops they are on.
///
/// Life: construct → ``update(_:)`` with a credential → listeners serve with it → update again at will; sessions that
/// are open keep what they began with.
public final class TunnelServer: Sendable {
    /// What may change while the tunnel serves.
    public struct Settings: Sendable {
        /// Nil until there is a certificate; connections are then closed at once.
        public var context: NIOSSLContext?
        public var authenticator: any PeerAuthenticator
        public var target: DialTarget
        public var proxyProtocol: Bool
        public var maximumConnections: Int
        public var handshakeTimeout: TimeAmount
        public var connectTimeout: TimeAmount
        /// Nil: none.
        public var idleTimeout: TimeAmount?
        /// Nil: none.
        public var maximumAge: TimeAmount?
        /// What a client that comes to a decoy is told, the live endpoint first.
        public var currentEndpoints: [Endpoint]
        /// Accept nobody any more.
        public var isDraining: Bool

        public init(
            context: NIOSSLContext?, authenticator: any PeerAuthenticator, target: DialTarget, proxyProtocol: Bool,
            maximumConnections: Int, handshakeTimeout: TimeAmount, connectTimeout: TimeAmount, idleTimeout: TimeAmount?,
            maximumAge: TimeAmount?, currentEndpoints: [Endpoint] = [], isDraining: Bool = false
        ) {
            self.context = context
            self.authenticator = authenticator
            self.target = target
            self.proxyProtocol = proxyProtocol
            self.maximumConnections = maximumConnections
            self.handshakeTimeout = handshakeTimeout
            self.connectTimeout = connectTimeout
            self.idleTimeout = idleTimeout
            self.maximumAge = maximumAge
            self.currentEndpoints = currentEndpoints
            self.isDraining = isDraining
        }
    }

    public let id: TunnelID
    /// The SPIFFE ID of whoever only tries new endpoints out; it is never led to the target, and its visits are no
    /// incidents.
    public let probeIdentity: SPIFFEID?
    let dialer: any TargetDialer
    let observer: any TunnelObserver
    let time: any TimeSource
    /// Nil: nobody is asked whose a client's socket is.
    let owners: SocketOwners?
    let traffic = TrafficCounters()
    private let settings: NIOLockedValueBox<Settings>

    public init(
        id: TunnelID, probeIdentity: SPIFFEID?, settings: Settings, dialer: any TargetDialer,
        observer: any TunnelObserver,
        time: any TimeSource, owners: SocketOwners? = nil
    ) {
        self.id = id
        self.probeIdentity = probeIdentity
        self.settings = NIOLockedValueBox(settings)
        self.dialer = dialer
        self.observer = observer
        self.time = time
        self.owners = owners
    }

    /// What is in force now.
    public var current: Settings { settings.withLockedValue { $0 } }

    /// Changes what is in force for sessions that begin from now on.
    public func update(_ change: (inout Settings) -> Void) { settings.withLockedValue(change) }

    /// Totals since the tunnel was made.
    public var counters: TunnelCounters { traffic.snapshot }
}
