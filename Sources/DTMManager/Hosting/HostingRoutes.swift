import DTMAPI
import DTMConnector
import DTMCore
import DTMPolicy
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Synchronization

/// Counts what is hosted for callers, so that nobody fills the manager with connectors.
final class HostingCount: Sendable {
    /// For all callers together.
    static let maximum = 128
    /// For one who may not steer.
    static let maximumPerUser = 16
    private let users = Mutex<[UInt32: Int]>([:])

    /// - Throws: `hosting.limit`.
    func enter(_ caller: LocalCaller, maySteer: Bool) throws(ManagerError) {
        let isFull = users.withLock { users in
            let own = users[caller.uid, default: 0]
            let all = users.values.reduce(0, +)
            guard all < Self.maximum, maySteer || own < Self.maximumPerUser else { return true }
            users[caller.uid] = own + 1
            return false
        }
        guard !isFull else {
            throw ManagerError(
                .hostingLimit,
                "the manager hosts as many connectors as it may (\(Self.maximum), \(Self.maximumPerUser) for one user)",
                hint: "end one of yours first")
        }
    }

    func leave(_ caller: LocalCaller) {
        users.withLock { users in
            let rest = users[caller.uid, default: 1] - 1
            users[caller.uid] = rest > 0 ? rest : nil
        }
    }
}

/// `POST /v1/tunnels/NAME/host`: a connector that lasts as long as the answer is read.
struct HostingRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        group.post("tunnels/:name/host") { request, context in
            let caller = try context.caller
            let record = try await parts.registry.record(named: try context.parameters.require("name"))
            let connector = try await connector(for: caller, on: record, request)
            return response(to: request, connector, for: caller)
        }
    }

    private func connector(
        for caller: LocalCaller, on record: TunnelRecord, _ request: Request
    ) async throws(ManagerError) -> HostedConnector {
        let maySteer = parts.maySteer(caller)
        if !maySteer { try await parts.admission.admitHosting(of: caller, on: record) }
        let query = request.uri.queryParameters
        let offer = try HostingRequest.offer(
            listen: query.get("listen"), unix: query.get("unix"), maySteer: maySteer)
        return HostedConnector(
            tunnel: record.name, offer: offer, onlyUser: nil, judge: parts.judge, controlSocket: parts.controlSocket)
    }

    private func response(to request: Request, _ connector: HostedConnector, for caller: LocalCaller) -> Response {
        let maySteer = parts.maySteer(caller)
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    do {
                        try parts.hosting.enter(caller, maySteer: maySteer)
                    } catch {
                        return try await writer.write(failed(error).buffer)
                    }
                    defer { parts.hosting.leave(caller) }
                    try await serve(connector, to: &writer)
                }
                try await writer.finish(nil)
            })
    }

    private func serve(_ connector: HostedConnector, to writer: inout any ResponseBodyWriter) async throws {
        let (items, sink) = AsyncStream<ServerSentItem>.makeStream(bufferingPolicy: .bufferingNewest(4))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do {
                    try await connector.run { sink.yield(listening($0, connector)) }
                } catch {
                    sink.yield(failed(error))
                }
                sink.finish()
            }
            tasks.addTask {
                while true {
                    try await Task.sleep(for: ServerSentEvents.heartbeat)
                    sink.yield(.comment(""))
                }
            }
            defer { tasks.cancelAll() }
            for await item in items.cancelOnGracefulShutdown() { try await writer.write(item.buffer) }
        }
    }

    private func listening(_ offer: ConnectorOffer, _ connector: HostedConnector) -> ServerSentItem {
        var place = HostedPlace(tunnel: connector.tunnel.text)
        switch offer {
        case .tcp(let host, let port): (place.host, place.port) = (host, port)
        case .unix(let path): place.unix = path
        case .stdio: break
        }
        return (try? .event("listening", place)) ?? .end
    }

    private func failed(_ error: any Error) -> ServerSentItem {
        let described = error as? any DescribedError
        let body = APIErrorBody(
            code: described?.codeName ?? "manager.failed", message: described?.message ?? "\(error)",
            hint: described?.hint)
        return (try? .event("failed", body)) ?? .end
    }
}
