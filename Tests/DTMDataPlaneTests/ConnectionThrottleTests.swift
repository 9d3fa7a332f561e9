import DTMCore
import Testing

@testable import DTMDataPlane

@Suite("Who is throttled")
struct ConnectionThrottleTests {
    private let start = Timestamp(seconds: 1_000)

    @Test("comes in once a second, and everybody else as he likes")
    func onceASecond() {
        var throttle = ConnectionThrottle()
        throttle.take(["a"])
        let answers = [0, 999, 1_000, 1_001].map { throttle.admits("a", at: start + .milliseconds($0)) }
        #expect(answers == [true, false, true, false])
        let others = (0..<100).map { _ in throttle.admits("b", at: start) }
        #expect(others.allSatisfy { $0 })
    }

    @Test("does not get another turn by another plan, and is free when no plan names him")
    func plans() {
        var throttle = ConnectionThrottle()
        let answers = [["a"], ["b", "a"], [], []].map { plan in
            throttle.take(plan)
            return throttle.admits("a", at: start)
        }
        #expect(answers == [true, false, true, true])
    }
}
