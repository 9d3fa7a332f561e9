import DTMPlan
import DTMSecrets
import NIOCore

/// Looks again and again whether what protects this process still does, on an event loop, and tells control each time:
/// silence is then a finding as well.
///
/// It reads the process's own `/proc/self/smaps`, once a minute unless the plan says otherwise.
final class SelfCheck: Sendable {
    private struct Timer {
        var milliseconds: UInt32
        var task: RepeatedTask
    }

    private let loop: any EventLoop
    private let reporter: Reporter
    private let look: @Sendable () -> [String]
    private let timer: NIOLoopBoundBox<Timer?>

    init(on loop: any EventLoop, _ reporter: Reporter, look: @escaping @Sendable () -> [String] = OwnProtections.lapses)
    {
        self.loop = loop
        self.reporter = reporter
        self.look = look
        timer = .makeEmptyBox(valueType: Timer.self, eventLoop: loop)
    }

    /// At once, and then after each such time. The time that is in force already changes nothing.
    func run(every milliseconds: UInt32) {
        loop.execute { [self] in
            guard timer.value?.milliseconds != milliseconds else { return }
            timer.value?.task.cancel()
            let task = loop.scheduleRepeatedTask(
                initialDelay: .zero, delay: .milliseconds(Int64(milliseconds))
            ) { [look, reporter] _ in
                reporter.send(.verified(Array(look().prefix(PlanBounds.lapses.allowed.upperBound))))
            }
            timer.value = Timer(milliseconds: milliseconds, task: task)
        }
    }
}
