import DTMCore
import Synchronization

/// A process of the manager that looks at itself.
enum VerifiedProcess: String, Hashable, Sendable, CaseIterable {
    case control
    case dataPlane = "dataplane"

    var words: String { self == .control ? "control" : "the data plane" }
}

/// What was found last, and whether it is news. A pure value.
struct ProtectionLedger: Hashable, Sendable {
    /// What is to be told.
    enum News: Hashable, Sendable {
        case lost(VerifiedProcess, [String])
        case restored(VerifiedProcess)
        case executable(ExecutableState)
    }

    private var lapses: [VerifiedProcess: [String]] = [:]
    private var executable = ExecutableState.same

    /// News when it differs from what was found before.
    mutating func take(_ found: [String], of process: VerifiedProcess) -> News? {
        let before = lapses[process] ?? []
        lapses[process] = found
        guard Set(before) != Set(found) else { return nil }
        return found.isEmpty ? .restored(process) : .lost(process, found)
    }

    mutating func take(_ found: ExecutableState) -> News? {
        guard found != executable else { return nil }
        executable = found
        return .executable(found)
    }

    /// All that does not hold, as sentences.
    var problems: [String] {
        let processes = VerifiedProcess.allCases.flatMap { process in
            (lapses[process] ?? []).map { "\(process.words): \($0)" }
        }
        guard case .changed(let reason) = executable else { return processes }
        return processes + ["the program that runs was changed: \(reason)"]
    }
}

/// Takes what the manager's processes find about themselves: tells it once, when it changes, and shows it to
/// `dtm status` and `dtm doctor`.
final class ProtectionDesk: Sendable {
    private let ledger = Mutex(ProtectionLedger())
    private let recorder: EventRecorder
    /// When the data plane has last looked at itself; nil without one. It stands still while the host sleeps, as timers
    /// do.
    private let dataPlaneSeen = Mutex<SuspendingClock.Instant?>(nil)

    init(recorder: EventRecorder) { self.recorder = recorder }

    /// All that does not hold; empty when all is well.
    var problems: [String] { ledger.withLock { $0.problems } }

    func take(_ lapses: [String], of process: VerifiedProcess) {
        if process == .dataPlane { dataPlaneSeen.withLock { $0 = .now } }
        note(lapses, of: process)
    }

    func take(_ executable: ExecutableState) { tell(ledger.withLock { $0.take(executable) }) }

    /// One that starts is given the time to look.
    func dataPlaneStarted() { dataPlaneSeen.withLock { $0 = .now } }

    private static let silence = "it does not say any more whether its protections hold"

    /// What was wrong with it has ended with it.
    func dataPlaneEnded() {
        dataPlaneSeen.withLock { $0 = nil }
        note([], of: .dataPlane)
    }

    /// A data plane that does not look at itself any more is not well.
    func checkSilence(_ longest: Duration) {
        guard let seen = dataPlaneSeen.withLock({ $0 }), seen.duration(to: .now) > longest else { return }
        note([Self.silence], of: .dataPlane)
    }

    private func note(_ lapses: [String], of process: VerifiedProcess) {
        tell(ledger.withLock { $0.take(lapses, of: process) })
    }

    private func tell(_ news: ProtectionLedger.News?) {
        switch news {
        case nil: break
        case .lost(let process, let lapses):
            recorder.record(
                Event.Kind.protectionLost, .critical,
                [
                    "process": .string(process.rawValue), "lapses": .list(lapses),
                    "silent": .boolean(lapses == [Self.silence]),
                ])
        case .restored(let process):
            recorder.record(Event.Kind.protectionRestored, .notice, ["process": .string(process.rawValue)])
        case .executable(.same): recorder.record(Event.Kind.executableRestored, .notice)
        case .executable(.replaced(let reason)):
            recorder.record(Event.Kind.executableReplaced, .notice, ["reason": .string(reason)])
        case .executable(.changed(let reason)):
            recorder.record(Event.Kind.executableChanged, .critical, ["reason": .string(reason)])
        }
    }
}
