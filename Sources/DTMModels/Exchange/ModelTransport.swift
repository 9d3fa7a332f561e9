public import DTMSecrets

/// A request to a provider, whole but for the key, which is added where it is sent.
public struct OutgoingRequest: Sendable {
    public var url: String
    public var headers: [(name: String, value: String)]
    /// The header that holds the key, what stands before it there, and the key.
    public var key: (header: String, prefix: String, secret: SharedSecret)?
    public var body: [UInt8]
    /// How long there is for it.
    public var limit: Duration
}

/// What came back.
public struct IncomingReply: Sendable {
    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The header's value when it is there once, without white space around it.
    func header(_ name: String) -> String? {
        let found = headers.filter { $0.name.lowercased() == name }
        guard found.count == 1, let value = found.first?.value, value.utf8.count <= 256 else { return nil }
        return String(value.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

/// Why nothing came back.
public enum TransportFailure: Error, Hashable, Sendable {
    case unreachable, timedOut, brokenOff, tooLarge, cancelled
}

/// Carries requests. ``HTTPTransport`` does; tests have others.
public protocol ModelTransport: Sendable {
    /// Sends one request, follows no redirection, and returns when the whole reply is there. Bounded in time and bytes.
    func send(_ request: OutgoingRequest) async throws(TransportFailure) -> IncomingReply
}
