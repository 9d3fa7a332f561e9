import DTMCore
import DTMPolicy
import DTMState
import DTMTelemetry
import NIOPosix

/// Asks for the operator's passphrase before what lowers protection: a program that runs as the operator's user may
/// steer, and does not know it.
///
/// A manager without sealed state has none of these, and one whose state only an OpenPGP key opens asks nobody.
actor OperatorCheck {
    private let store: SealedStore
    private let threads: NIOThreadPool
    private let recorder: EventRecorder
    private let clock: any TimeSource
    private var throttle = PassphraseThrottle()
    /// Whether there was a passphrase slot: whoever takes its file away does not take the question away.
    private var hadPassphrase = false
    private var isTrying = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// One passphrase is tried at a time, for that takes a quarter of a gibibyte and a processor; so many may wait.
    static let maximumWaiting = 4

    init(store: SealedStore, threads: NIOThreadPool, recorder: EventRecorder, clock: any TimeSource) {
        self.store = store
        self.threads = threads
        self.recorder = recorder
        self.clock = clock
        hadPassphrase = (try? store.hasPassphrase) ?? true
    }

    /// - Parameter secret: What the caller gave; nil when nothing.
    /// - Throws: `operator.passphrase_needed`, `operator.passphrase_wrong`, `operator.slowed`, `operator.busy`; and
    ///   `manager.failed` when it can't be told.
    func require(_ secret: UnlockSecret?, of caller: LocalCaller) async throws(ManagerError) {
        guard try await isAsked() else { return }
        try requireNoPause(caller)
        guard let secret else {
            throw ManagerError(
                .passphraseNeeded, "this lowers protection: it takes the operator's passphrase",
                hint: "run it on a terminal, or give --passphrase-file FILE")
        }
        guard waiting.count < Self.maximumWaiting else {
            throw ManagerError(
                .operatorBusy, "other passphrases are being tried", hint: "try again in a few seconds")
        }
        await begin()
        defer { finish() }
        // Those before may have been this user's, and wrong.
        try requireNoPause(caller)
        guard try await isRight(secret) else { throw refuse(caller) }
        throttle.succeeded(caller.uid)
    }

    private func isAsked() async throws(ManagerError) -> Bool {
        let store = store
        if try await looking({ try store.hasPassphrase }) { hadPassphrase = true }
        return hadPassphrase
    }

    private func isRight(_ secret: UnlockSecret) async throws(ManagerError) -> Bool {
        let store = store
        return try await looking { try store.isOpened(by: secret) }
    }

    private func looking(_ body: @escaping @Sendable () throws -> Bool) async throws(ManagerError) -> Bool {
        do {
            return try await threads.runIfActive(body)
        } catch {
            let cause = error as? any DescribedError
            throw ManagerError(
                .failed, "the key slots could not be asked: \(cause?.message ?? "\(error)")", hint: cause?.hint,
                cause: error)
        }
    }

    private func requireNoPause(_ caller: LocalCaller) throws(ManagerError) {
        guard let pause = throttle.pause(of: caller.uid, at: clock.now()) else { return }
        throw ManagerError(
            .operatorSlowed,
            "\(throttle.failures(of: caller.uid)) wrong passphrases came from user \(caller.uid): the next one is heard "
                + "in \(pause.components.seconds + 1) s", hint: "wait, then try again")
    }

    private func refuse(_ caller: LocalCaller) -> ManagerError {
        throttle.failed(caller.uid, at: clock.now())
        recorder.record(
            Event.Kind.operatorRefused, .warning,
            [
                "uid": .integer(Int64(caller.uid)),
                "failures": .integer(Int64(throttle.failures(of: caller.uid))),
            ])
        return ManagerError(
            .passphraseWrong, "that is not the operator's passphrase, and nothing was changed",
            hint: "what opens the state is shown by dtm state status")
    }

    private func begin() async {
        guard isTrying else {
            isTrying = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func finish() {
        if waiting.isEmpty { isTrying = false } else { waiting.removeFirst().resume() }
    }
}
