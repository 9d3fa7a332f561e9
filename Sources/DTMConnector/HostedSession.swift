public import DTMAPI
import DTMCore
import UnixSignals

/// `dtm connect --hosted`: asks the manager to run a connector, and keeps it there until this process ends.
///
/// The manager ends the connector when this process goes, and begins it anew at the same address when it comes back
/// itself.
public struct HostedSession: Sendable {
    private let tunnel: String
    private let offer: ConnectorOffer
    private let locator: ControlSocketLocator
    private let isListening: @Sendable (ConnectorOffer) -> Void
    private let notices = ConnectorNotices()

    private static let pause = Duration.milliseconds(250)

    /// - Parameters:
    ///   - offer: A TCP address or a Unix socket.
    ///   - isListening: Called once, when local programs can connect, with the address that they can use.
    public init(
        tunnel: String, offer: ConnectorOffer, locator: ControlSocketLocator,
        isListening: @escaping @Sendable (ConnectorOffer) -> Void
    ) {
        self.tunnel = tunnel
        self.offer = offer
        self.locator = locator
        self.isListening = isListening
    }

    /// Until SIGINT or SIGTERM.
    ///
    /// - Throws: ``ControlClientError`` or ``ConnectorError`` when the first attempt fails.
    public func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await keep() }
            tasks.addTask {
                let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
                for await _ in signals { return }
            }
            defer { tasks.cancelAll() }
            try await tasks.next()
        }
    }

    private func keep() async throws {
        try await ControlClient.withClient(at: locator) { client in
            var place: ConnectorOffer?
            while !Task.isCancelled {
                do {
                    try await hold(client, &place)
                    notices.say("the manager ended the connector; asking again")
                } catch {
                    // A first attempt that fails is the caller's to know; later ones are a manager that is away.
                    guard place != nil, !(error is CancellationError) else { throw error }
                    notices.say((error as? any DescribedError)?.message ?? "\(error)")
                }
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    private func hold(_ client: ControlClient, _ place: inout ConnectorOffer?) async throws {
        for try await update in try await client.host(tunnel, try wish(place ?? offer)) {
            switch update {
            case .listening(let hosted):
                let isFirst = place == nil
                let offer: ConnectorOffer =
                    if let path = hosted.unix {
                        .unix(path: path)
                    } else {
                        .tcp(host: hosted.host ?? "127.0.0.1", port: hosted.port ?? 0)
                    }
                place = offer
                if isFirst { isListening(offer) }
            case .failed(let body):
                throw ConnectorError(.listen, body.error.message, hint: body.error.hint)
            }
        }
    }

    private func wish(_ offer: ConnectorOffer) throws(ConnectorError) -> HostingWish {
        switch offer {
        case .tcp(let host, let port): return .listen(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")
        case .unix(let path): return .unix(path)
        case .stdio:
            throw ConnectorError(
                .stdio,
                "standard input and output can't be hosted: their descriptors belong to whoever began this process",
                hint: "use --listen or --unix with --hosted")
        }
    }
}
