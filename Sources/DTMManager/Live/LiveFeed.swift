import DTMCore
import Synchronization

/// The one picture for all who follow `GET /v1/live`, and who they are. While there are none, there is no picture.
final class LiveFeed: Sendable {
    private struct State {
        var followers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextID: UInt64 = 0
        var picture: LivePicture?
        var isFinished = false
    }
    private let state = Mutex(State())
    /// Notified when somebody comes.
    let arrivals = Signal()

    /// Follows the picture: one element whenever it, or what has happened, is news. A slow reader finds one that stands for
    /// all that he missed.
    ///
    /// - Throws: `live.limit`.
    func follow() throws(ManagerError) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let admitted = state.withLock { state -> UInt64?? in
            guard !state.isFinished else { return .some(nil) }
            guard state.followers.count < LiveBounds.streams else { return nil }
            state.nextID += 1
            state.followers[state.nextID] = continuation
            if state.picture != nil { continuation.yield() }
            return state.nextID
        }
        guard let admitted else {
            throw ManagerError(
                .liveLimit, "\(LiveBounds.streams) consoles are open already; no more are allowed",
                hint: "close one of the running dtm ui")
        }
        guard let id = admitted else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.followers.removeValue(forKey: id) }
        }
        arrivals.notify()
        return stream
    }

    var hasFollowers: Bool { state.withLock { !$0.followers.isEmpty } }
    var followerCount: Int { state.withLock(\.followers.count) }

    /// Nil until somebody has followed for a moment.
    var picture: LivePicture? { state.withLock(\.picture) }

    /// Tells all followers.
    func publish(_ picture: LivePicture) {
        state.withLock { state in
            state.picture = picture
            for follower in state.followers.values { follower.yield() }
        }
    }

    /// Forgets the picture if nobody follows.
    ///
    /// - Returns: Whether nobody does.
    func rest() -> Bool {
        state.withLock { state in
            guard state.followers.isEmpty else { return false }
            state.picture = nil
            return true
        }
    }

    /// Ends all that follow.
    func finish() {
        let followers = state.withLock { state in
            state.isFinished = true
            state.picture = nil
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        // Outside the lock: ending a stream calls its termination handler, which takes the lock.
        for follower in followers { follower.finish() }
    }
}
