import AsyncHTTPClient
import DTMCore
import DTMSecrets
import NIOCore
import NIOHTTP1
import NIOPosix

/// Requests over HTTP/1.1, with TLS where the URL says `https`.
///
/// Its life: construct (nothing is opened yet) → ``send(_:)`` → ``shutdown()``. No proxy of the environment is used.
public struct HTTPTransport: ModelTransport {
    /// How long things may take.
    public struct Timeouts: Hashable, Sendable {
        /// Until a connection stands, the TLS handshake included.
        public var connect: Duration
        /// From the request to the last byte of the reply, however slowly it drips.
        public var whole: Duration
        /// The end of the transport itself.
        public var shutdown: Duration

        public init(
            connect: Duration = .seconds(10), whole: Duration = .seconds(60), shutdown: Duration = .seconds(2)
        ) {
            self.connect = connect
            self.whole = whole
            self.shutdown = shutdown
        }
    }

    /// The longest reply in bytes.
    public static let maximumReplyBytes = 256 << 10

    /// What each request carries besides the headers of its own.
    public static let standingHeaders: [(name: String, value: String)] = [
        ("Content-Type", "application/json"), ("Accept", "application/json"), ("User-Agent", "dtm"),
    ]

    private let timeouts: Timeouts
    private let http: HTTPClient
    private let group: MultiThreadedEventLoopGroup

    public init(timeouts: Timeouts = Timeouts()) {
        self.timeouts = timeouts
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: .nanoseconds(timeouts.connect.wholeNanoseconds),
                read: .nanoseconds(timeouts.whole.wholeNanoseconds)))
        configuration.httpVersion = .http1Only
        // Retries are decided where budgets are known.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = .seconds(10)
        http = HTTPClient(eventLoopGroup: group, configuration: configuration)
    }

    public func send(_ request: OutgoingRequest) async throws(TransportFailure) -> IncomingReply {
        let limit = max(min(timeouts.whole, request.limit), .zero)
        do {
            return try await withThrowingTaskGroup(of: IncomingReply?.self) { group in
                group.addTask { try await exchange(request, within: limit) }
                group.addTask {
                    try await Task.sleep(for: limit)
                    return nil
                }
                defer { group.cancelAll() }
                guard let first = try await group.next(), let reply = first else { throw TransportFailure.timedOut }
                return reply
            }
        } catch {
            throw Task.isCancelled ? .cancelled : Self.translate(error)
        }
    }

    private func exchange(_ request: OutgoingRequest, within limit: Duration) async throws -> IncomingReply {
        let deadline = NIODeadline.now() + .nanoseconds(limit.wholeNanoseconds)
        let response = try await http.execute(Self.message(request), deadline: deadline)
        let headers = response.headers.map { (name: $0.name, value: $0.value) }
        do {
            let body = try await response.body.collect(upTo: Self.maximumReplyBytes)
            return IncomingReply(
                status: Int(response.status.code), headers: headers, body: Array(body.readableBytesView))
        } catch let error where error is NIOTooManyBytesError {
            // What is too long is not read to its end; its status still counts when it is no success.
            guard response.status != .ok else { throw TransportFailure.tooLarge }
            return IncomingReply(status: Int(response.status.code), headers: headers)
        } catch let error as HTTPClientError where error != .cancelled && error != .readTimeout {
            throw TransportFailure.brokenOff
        }
    }

    /// The key becomes an ordinary string here, for the time of one request: the library takes no other.
    private static func message(_ request: OutgoingRequest) -> HTTPClientRequest {
        var message = HTTPClientRequest(url: request.url)
        message.method = .POST
        for header in standingHeaders { message.headers.add(name: header.name, value: header.value) }
        for header in request.headers { message.headers.add(name: header.name, value: header.value) }
        if let key = request.key {
            let value = key.secret.bytes.withBytes { span in
                span.withUnsafeBytes { key.prefix + String(decoding: $0, as: UTF8.self) }
            }
            message.headers.add(name: key.header, value: value)
        }
        message.body = .bytes(request.body)
        return message
    }

    private static func translate(_ error: any Error) -> TransportFailure {
        switch error {
        case let failure as TransportFailure: failure
        case is CancellationError: .cancelled
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout: .unreachable
            case .readTimeout, .writeTimeout, .deadlineExceeded, .getConnectionFromPoolTimeout: .timedOut
            case .remoteConnectionClosed: .brokenOff
            case .cancelled: .cancelled
            default: .brokenOff
            }
        case is HTTPParserError: .brokenOff
        case is NIOConnectionError, is IOError: .unreachable
        default: .unreachable
        }
    }

    /// Ends requests that are still open, and the transport's thread.
    public func shutdown() async {
        // The promise is completed by whoever comes first: the second completion of a promise is ignored.
        let done = group.next().makePromise(of: Void.self)
        let timer = group.next().scheduleTask(in: .nanoseconds(timeouts.shutdown.wholeNanoseconds)) { done.succeed() }
        http.shutdown { _ in done.succeed() }
        try? await done.futureResult.get()
        timer.cancel()
        group.shutdownGracefully { _ in }
    }
}
