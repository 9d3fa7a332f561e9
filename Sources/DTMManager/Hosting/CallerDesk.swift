import DTMTunnel
import NIOCore
import Synchronization

/// Carries the questions of a connector's event loops to a task that may take its time, and the answers back.
///
/// Life: construct → give it to the connector → ``serve(_:)`` beside it, until the task is cancelled. Whoever asks
/// after that is refused.
final class CallerDesk: CallerLookup {
    private struct Question: Sendable {
        var peer: LocalPeer
        var promise: EventLoopPromise<String?>
    }

    private struct Waiting: Sendable {
        var questions: [Question] = []
        var isClosed = false
    }

    /// The most questions that wait; whoever comes beyond is refused.
    static let capacity = 512
    /// How many are answered at a time.
    private static let width = 8
    private let waiting = Mutex(Waiting())
    private let arrivals: AsyncStream<Void>
    private let arrived: AsyncStream<Void>.Continuation

    init() {
        (arrivals, arrived) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func refusal(of peer: LocalPeer, on loop: any EventLoop) -> EventLoopFuture<String?> {
        let promise = loop.makePromise(of: String?.self)
        let problem = waiting.withLock { waiting -> String? in
            if waiting.isClosed { return "the connector is ending" }
            if waiting.questions.count >= Self.capacity { return "too many programs connect at once" }
            waiting.questions.append(Question(peer: peer, promise: promise))
            return nil
        }
        if let problem { promise.succeed(problem) } else { arrived.yield() }
        return promise.futureResult
    }

    /// Answers until the task is cancelled.
    func serve(_ answer: @escaping @Sendable (LocalPeer) async -> String?) async {
        for await _ in arrivals {
            while !Task.isCancelled, case let batch = take(), !batch.isEmpty {
                await withTaskGroup(of: Void.self) { tasks in
                    for question in batch {
                        tasks.addTask { question.promise.succeed(await answer(question.peer)) }
                    }
                }
            }
        }
        for question in close() { question.promise.succeed("the connector is ending") }
    }

    private func take() -> [Question] {
        waiting.withLock { waiting in
            let batch = Array(waiting.questions.prefix(Self.width))
            waiting.questions.removeFirst(batch.count)
            return batch
        }
    }

    private func close() -> [Question] {
        waiting.withLock { waiting in
            waiting.isClosed = true
            defer { waiting.questions = [] }
            return waiting.questions
        }
    }
}
