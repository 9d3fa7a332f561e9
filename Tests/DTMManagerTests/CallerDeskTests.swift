import DTMCore
import DTMTunnel
import NIOCore
import NIOPosix
import Testing

@testable import DTMManager

@Suite struct CallerDeskTests {
    private let peer = LocalPeer.unix(pid: 1, uid: 2, gid: 3)

    @Test func `questions are answered in turn, and whoever asks after the end is refused`() async throws {
        let desk = CallerDesk()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await desk.serve { peer in peer == .unix(pid: 1, uid: 2, gid: 3) ? nil : "no" } }
            let answers = (0..<50).map { number in
                desk.refusal(of: number.isMultiple(of: 2) ? peer : .unix(pid: 9, uid: 9, gid: 9), on: loop)
            }
            for (number, answer) in answers.enumerated() {
                let said = try await answer.get()
                #expect(said == (number.isMultiple(of: 2) ? nil : "no"))
            }
            tasks.cancelAll()
        }
        let late = try await desk.refusal(of: peer, on: loop).get()
        #expect(late == "the connector is ending")
    }

    @Test func `more questions than may wait are refused at once`() async throws {
        let desk = CallerDesk()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let waiting = (0..<CallerDesk.capacity).map { _ in desk.refusal(of: peer, on: loop) }
        let refused = try await desk.refusal(of: peer, on: loop).get()
        #expect(refused == "too many programs connect at once")
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await desk.serve { _ in nil } }
            for answer in waiting { _ = try? await answer.get() }
            tasks.cancelAll()
        }
    }
}
