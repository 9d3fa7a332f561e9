import AsyncHTTPClient
import DTMCore
import NIOCore
import NIOPosix

/// A client of one manager's control API, over its control socket.
///
/// Its life: construct (nothing is opened yet) → call, also from many tasks at once → ``shutdown()``.
/// ``withClient(at:_:)`` does all three. Every call looks for the socket anew, so that a client survives its manager's
/// restart; a call that meets no manager fails at once and leaves it to the caller to come back.
public struct ControlClient: Sendable {
    /// How long things may take.
    public struct Timeouts: Hashable, Sendable {
        /// A call that only looks.
        public var look: Duration
        /// A call that waits for the data plane, as until a new endpoint accepts.
        public var change: Duration
        /// Silence on a stream after which its server counts as gone; it sends a comment each 15 s.
        public var silence: Duration
        /// The end of the client itself.
        public var shutdown: Duration

        public init(
            look: Duration = .seconds(10), change: Duration = .seconds(30), silence: Duration = .seconds(45),
            shutdown: Duration = .seconds(2)
        ) {
            self.look = look
            self.change = change
            self.silence = silence
            self.shutdown = shutdown
        }
    }

    public let locator: ControlSocketLocator
    public let timeouts: Timeouts
    let http: HTTPClient
    /// One thread is plenty: a client makes a call at a time and keeps a stream or two open.
    private let group: MultiThreadedEventLoopGroup

    public init(at locator: ControlSocketLocator, timeouts: Timeouts = Timeouts()) {
        self.locator = locator
        self.timeouts = timeouts
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        http = HTTPClient(eventLoopGroup: group, configuration: Self.configuration(timeouts))
    }

    private static func configuration(_ timeouts: Timeouts) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .nanoseconds(timeouts.silence.wholeNanoseconds)))
        configuration.httpVersion = .http1Only
        // A socket on this machine either answers or it doesn't: say so at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// Lends a client for the time of `body`, then shuts it down.
    public static func withClient<Value>(
        at locator: ControlSocketLocator, timeouts: Timeouts = Timeouts(),
        isolation: isolated (any Actor)? = #isolation,
        _ body: (ControlClient) async throws -> Value
    ) async rethrows -> Value {
        let client = ControlClient(at: locator, timeouts: timeouts)
        do {
            let value = try await body(client)
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Ends calls and streams that are still open, and the client's thread. Takes no longer than ``Timeouts/shutdown``.
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
