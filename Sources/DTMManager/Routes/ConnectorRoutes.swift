import DTMAPI
import DTMCore
import DTMSecrets
import HTTPTypes
import Hummingbird
import NIOCore

/// What connectors ask for: `identity`, `windows`, `follow`, `reports`. The tunnel's policy decides about each.
struct ConnectorRoutes: Sendable {
    let parts: ControlParts

    func add(to group: RouterGroup<APIContext>) {
        let tunnel = group.group("tunnels/:name")
        tunnel.post("identity") { request, context in
            let caller = try context.caller
            let name = try context.parameters.require("name")
            let wanted = try await APIRequest.body(IdentityRequest.self, of: request)
            return try APIResponse.json(try await parts.admission.identity(of: caller, for: name, wanted))
        }
        tunnel.get("windows") { _, context in
            let record = try await admitted(context)
            return Self.response(try await parts.registry.windowKeys(of: record.id))
        }
        tunnel.get("follow") { request, context in
            let record = try await admitted(context)
            let follow = FollowSequence(
                tunnel: record.id, caller: try context.caller, parts: parts,
                changes: await parts.registry.signal(of: record.id).subscribe())
            return ServerSentEvents.response(to: request, follow)
        }
        tunnel.post("reports") { request, context in
            let record = try await admitted(context)
            let report = try await APIRequest.body(ConnectorReport.self, of: request)
            note(report, on: record, by: try context.caller)
            return Response(status: .noContent)
        }
    }

    private func admitted(_ context: APIContext) async throws -> TunnelRecord {
        try await parts.admission.tunnel(try context.parameters.require("name"), for: try context.caller)
    }

    /// The frame of ``WindowKeysFrame``. The keys pass through a buffer of the HTTP server, which ``AnswerWipe``
    /// overwrites once the kernel has it.
    private static func response(_ keys: [(window: UInt64, key: SharedSecret)]) -> Response {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(WindowKeysFrame.totalBytes)
        for (window, key) in keys {
            buffer.writeInteger(window)
            key.bytes.withBytes { bytes in
                bytes.withUnsafeBytes { raw in _ = buffer.writeBytes(raw) }
            }
        }
        return Response(
            status: .ok, headers: [.contentType: AnswerWipe.secretType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer))
    }

    private func note(_ report: ConnectorReport, on record: TunnelRecord, by caller: LocalCaller) {
        // Only kinds that are known: who may connect could otherwise write events of any kind.
        guard report.kind == "squatter", let endpoint = report.endpoint.endpoint else { return }
        parts.recorder.record(
            Event.Kind.squatterFound, .warning, tunnel: record.name, app: record.draft.application,
            [
                "endpoint": .string(endpoint.description),
                "reason": .string(printable(report.reason, limit: 200)), "uid": .integer(Int64(caller.uid)),
            ])
    }
}

/// A tunnel's state for one connector: at once, then whenever it has changed, and at last that it is gone.
struct FollowSequence: AsyncSequence, Sendable {
    typealias Element = ServerSentItem
    typealias Failure = Never
    let tunnel: TunnelID
    let caller: LocalCaller
    let parts: ControlParts
    let changes: AsyncStream<Void>

    func makeAsyncIterator() -> Iterator { Iterator(base: self, changes: changes.makeAsyncIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        let base: FollowSequence
        var changes: AsyncStream<Void>.Iterator
        var last: FollowState?
        var isOver = false

        mutating func next() async -> ServerSentItem? { await next(isolation: nil) }

        mutating func next(isolation actor: isolated (any Actor)?) async -> ServerSentItem? {
            while !isOver {
                if last != nil, await changes.next(isolation: actor) == nil { isOver = true }
                if let item = await step(isolation: actor) { return item }
            }
            return nil
        }

        /// What to send now; nil when nothing has changed, and at the manager's end.
        private mutating func step(isolation actor: isolated (any Actor)?) async -> ServerSentItem? {
            let registry = base.parts.registry
            guard let record = await registry.record(base.tunnel), let state = await registry.followState(base.tunnel),
                base.parts.admission.admits(base.caller, to: record)
            else {
                isOver = true
                return .event(name: "gone", id: nil, data: Array("{}".utf8))
            }
            var comparable = state
            // Without an endpoint the epoch follows the clock: no news by itself.
            if state.endpoint == nil { comparable.epoch = 0 }
            guard comparable != last, !isOver || last == nil else { return nil }
            last = comparable
            return try? .event("state", state)
        }
    }
}
