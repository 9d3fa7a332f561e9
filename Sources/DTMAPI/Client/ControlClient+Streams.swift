extension ControlClient {
    /// `GET /v1/events?follow=1`: events as they happen, forever.
    ///
    /// - Parameter id: the last event that the caller has: what came after it and is still remembered comes first. Nil
    ///   for what happens from now on.
    /// - Returns: when the manager has agreed. The stream ends when the manager ends it, and throws
    ///   ``ControlClientError`` when the manager goes away.
    public func followEvents(after id: UInt64? = nil) async throws -> EventStream {
        var call = Call.get("events", query: [("follow", "1")] + Self.since(id))
        if let id { call.headers.append(("Last-Event-ID", String(id))) }
        return EventStream(base: try await stream(call))
    }

    /// `GET /v1/live`: a snapshot of all that the caller may see, and what changes from then on.
    ///
    /// - Returns: when the manager has agreed. The stream ends when the manager ends it, and throws
    ///   ``ControlClientError`` when the manager goes away.
    public func live() async throws -> LiveStream { LiveStream(base: try await stream(.get("live"))) }

    /// `GET /v1/tunnels/NAME/follow`: what a connector must know about a tunnel, at once and at each change.
    public func follow(_ name: String) async throws -> FollowStream {
        FollowStream(base: try await stream(.get("tunnels", name, "follow")))
    }

    /// `POST /v1/tunnels/NAME/host`: a connector that the manager runs for as long as the stream is read.
    public func host(_ name: String, _ wish: HostingWish) async throws -> HostingStream {
        var call = Call.post("tunnels", name, "host")
        call.query = wish.query
        return HostingStream(base: try await stream(call))
    }
}

/// What became of a hosted connector.
public enum HostingUpdate: Hashable, Sendable {
    /// Local programs can connect.
    case listening(HostedPlace)
    /// It has ended, for this reason.
    case failed(APIErrorBody)
}

/// What becomes of a hosted connector, as it happens.
public struct HostingStream: AsyncSequence, Sendable {
    public typealias Element = HostingUpdate
    let base: ServerSentEventSequence

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServerSentEventSequence.AsyncIterator

        /// The next update; nil when the manager has ended the stream.
        public mutating func next() async throws -> HostingUpdate? {
            while let event = try await base.next() {
                switch event.type {
                case "listening": return .listening(try event.decode(HostedPlace.self, of: base.what))
                case "failed": return .failed(try event.decode(APIErrorBody.self, of: base.what))
                default: continue
                }
            }
            return nil
        }
    }
}

/// What the manager reports, as it happens.
public struct EventStream: AsyncSequence, Sendable {
    public typealias Element = EventReport
    let base: ServerSentEventSequence

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServerSentEventSequence.AsyncIterator

        /// The next event; nil when the manager has ended the stream.
        public mutating func next() async throws -> EventReport? {
            while let event = try await base.next() {
                if event.type == "event" { return try event.decode(EventReport.self, of: base.what) }
            }
            return nil
        }
    }
}

/// What a console shows, as it changes; the first is a snapshot.
public struct LiveStream: AsyncSequence, Sendable {
    public typealias Element = LiveUpdate
    let base: ServerSentEventSequence

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServerSentEventSequence.AsyncIterator

        /// The next update; nil when the manager has ended the stream.
        public mutating func next() async throws -> LiveUpdate? {
            while let event = try await base.next() {
                if event.type == "live" { return try event.decode(LiveUpdate.self, of: base.what) }
            }
            return nil
        }
    }
}

/// What happened to a tunnel that a connector follows.
public enum FollowUpdate: Hashable, Sendable {
    case state(FollowState)
    /// The tunnel was removed, or the caller's access was.
    case gone
}

/// A tunnel's state, at once and at each change.
public struct FollowStream: AsyncSequence, Sendable {
    public typealias Element = FollowUpdate
    let base: ServerSentEventSequence

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }

    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: ServerSentEventSequence.AsyncIterator

        /// The next update; nil when the manager has ended the stream.
        public mutating func next() async throws -> FollowUpdate? {
            while let event = try await base.next() {
                switch event.type {
                case "state": return .state(try event.decode(FollowState.self, of: base.what))
                case "gone": return .gone
                default: continue
                }
            }
            return nil
        }
    }
}

extension ServerSentEvent {
    fileprivate func decode<Value: Decodable>(_ type: Value.Type, of what: String) throws -> Value {
        do {
            return try APIJSON.decode(type, from: data.utf8)
        } catch {
            throw ControlClientError.incompatible(what, cause: error)
        }
    }
}
