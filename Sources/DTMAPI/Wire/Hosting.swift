/// `POST /v1/tunnels/NAME/host?listen=HOST:PORT` (or `unix=PATH`): the manager runs a connector itself, for as long as
/// the answer, a stream of server-sent events, is read.
///
/// `event: listening` carries a ``HostedPlace``, once; `event: failed` an ``APIErrorBody``, and ends it.
public struct HostedPlace: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var tunnel: String
    /// With ``port``: the TCP address; nil for a Unix socket.
    public var host: String?
    public var port: UInt16?
    /// The path of a Unix socket.
    public var unix: String?

    public init(tunnel: String, host: String? = nil, port: UInt16? = nil, unix: String? = nil) {
        self.tunnel = tunnel
        self.host = host
        self.port = port
        self.unix = unix
    }
}

/// Where a connector that the manager hosts shall serve.
public enum HostingWish: Hashable, Sendable {
    /// As `127.0.0.1:6380`; port 0 takes a free one.
    case listen(String)
    /// An absolute path.
    case unix(String)

    var query: [(name: String, value: String)] {
        switch self {
        case .listen(let place): [("listen", place)]
        case .unix(let path): [("unix", path)]
        }
    }
}
