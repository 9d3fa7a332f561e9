import DTMAPI
import DTMCore
import DTMSecrets
import DTMState
import FoundationEssentials
import Testing

@testable import DTMManager

@Suite struct PassphraseThrottleTests {
    private let start = Timestamp(seconds: 1_000)

    @Test func `Each wrong one doubles the pause up to half a minute, and a right one ends it`() {
        var throttle = PassphraseThrottle()
        var now = start
        var pauses: [Duration] = []
        for _ in 0..<10 {
            #expect(throttle.pause(of: 1, at: now) == nil)
            throttle.failed(1, at: now)
            let pause = throttle.pause(of: 1, at: now) ?? .zero
            pauses.append(pause)
            #expect(throttle.pause(of: 1, at: now + pause - .nanoseconds(1)) != nil)
            #expect(throttle.pause(of: 2, at: now) == nil)
            now = now + pause
        }
        #expect(
            pauses.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 }
                == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30])
        #expect(throttle.failures(of: 1) == 10)
        throttle.succeeded(1)
        #expect(throttle.pause(of: 1, at: start) == nil && throttle.failures(of: 1) == 0)
    }

    @Test func `An hour of quiet is forgotten`() {
        var throttle = PassphraseThrottle()
        for _ in 0..<5 { throttle.failed(1, at: start) }
        throttle.failed(2, at: start + .seconds(3_700))
        #expect(throttle.failures(of: 1) == 0 && throttle.failures(of: 2) == 1)
    }

    @Test func `However many users there are, it does not grow, and none of them goes free`() {
        var throttle = PassphraseThrottle()
        for uid in 0..<10_000 { throttle.failed(UInt32(uid), at: start) }
        #expect(throttle.failures(of: 9_999) == 10_000 - PassphraseThrottle.maximumUsers)
        #expect(throttle.pause(of: 20_000, at: start) == PassphraseThrottle.longestPause)
        #expect(throttle.failures(of: 3) == 1)
    }
}

/// Over control's real socket, with a real store.
@Suite struct OperatorCheckTests {
    private func run(
        _ sealed: SealedFolder, clock: (any TimeSource)? = nil,
        _ body: @escaping @Sendable (ControlFixture) async throws -> Void
    ) async throws {
        var options = try ControlFixture.redis()
        options.clock = clock
        options.sealed = try sealed.open()
        try await ControlFixture.run(options, body)
    }

    @Test func `What lowers protection takes the passphrase, and nothing changes without it`() async throws {
        let sealed = try SealedFolder()
        try await run(sealed) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.unprotect("redis")
            }
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.acceptConfiguration()
            }
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.setAutoTunnel(enabled: false)
            }
            #expect(try await control.client.setAutoTunnel(enabled: true).enabled)
            let right = try SealedFolder.secret(SealedFolder.passphrase)
            #expect(try await !control.client.setAutoTunnel(enabled: false, passphrase: right).enabled)
            #expect(try await control.client.acceptConfiguration(passphrase: right).accepted == [])
            #expect(try await control.client.tunnels().tunnels.count == 1)
            #expect(try await control.client.unprotect("redis", passphrase: right).removed == "redis")
        }
    }

    @Test func `A wrong one is told, recorded and slowed, and the right one waits as well`() async throws {
        let sealed = try SealedFolder()
        // No time passes, however slow the machine is: the pause is not over when the second one comes.
        try await run(sealed, clock: HeldClock(AnchoredClock().now())) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            let wrong = try SealedFolder.secret("another passphrase")
            let right = try SealedFolder.secret(SealedFolder.passphrase)
            await expect(code: .notPermitted, name: "operator.passphrase_wrong") {
                _ = try await control.client.unprotect("redis", passphrase: wrong)
            }
            await expect(code: .failed, name: "operator.slowed") {
                _ = try await control.client.unprotect("redis", passphrase: right)
            }
            let refusals = try await control.client.events().events.filter { $0.kind == "operator.refused" }
            #expect(refusals.count == 1 && refusals.first?.severity == .warning)
            #expect(try await control.client.tunnels().tunnels.count == 1)
        }
    }

    @Test func `Of many at once one is tried, and the others are not`() async throws {
        let sealed = try SealedFolder()
        try await run(sealed, clock: HeldClock(AnchoredClock().now())) { control in
            let wrong = try SealedFolder.secret("another passphrase")
            let names = await withTaskGroup(of: String.self) { tasks in
                for _ in 0..<20 {
                    tasks.addTask {
                        do {
                            _ = try await control.client.acceptConfiguration(passphrase: wrong)
                            return "accepted"
                        } catch {
                            return (error as? ControlClientError)?.codeName ?? "\(error)"
                        }
                    }
                }
                return await tasks.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(names["operator.passphrase_wrong"] == 1, "\(names)")
            #expect(Set(names.keys).isSubset(of: ["operator.passphrase_wrong", "operator.slowed", "operator.busy"]))
        }
    }

    @Test func `A slot that somebody planted does not open the way, nor does taking the slots away`() async throws {
        let sealed = try SealedFolder()
        let foreign = try SealedFolder(slots: [
            .passphrase(
                try UnlockSecret(SealedFolder.secret("planted passphrase")),
                hash: .init(passes: 1, memoryBytes: 8 << 20, salt: [UInt8](repeating: 9, count: 16)), label: "planted")
        ])
        let slots = "\(sealed.place.state)/slots"
        try await run(sealed) { control in
            let files = FileManager.default
            for name in try files.contentsOfDirectory(atPath: slots) {
                try files.removeItem(atPath: "\(slots)/\(name)")
            }
            for name in try files.contentsOfDirectory(atPath: "\(foreign.place.state)/slots") {
                try files.copyItem(atPath: "\(foreign.place.state)/slots/\(name)", toPath: "\(slots)/\(name)")
            }
            await expect(code: .passphraseNeeded, name: "operator.passphrase_needed") {
                _ = try await control.client.acceptConfiguration()
            }
            await expect(code: .notPermitted, name: "operator.passphrase_wrong") {
                _ = try await control.client.acceptConfiguration(
                    passphrase: SealedFolder.secret("planted passphrase"))
            }
        }
    }

    @Test func `Where an OpenPGP key alone opens the state, and where nothing is kept, nobody is asked`() async throws {
        let operatorKey = try RNPProvider().generateKeyPair(userID: "operator").publicKey
        let sealed = try SealedFolder(slots: [.operatorKey(operatorKey, label: "operator"), SealedFolder.slot()])
        var options = ControlFixture.Options()
        let opened = try sealed.open()
        let slots = try SealedStore.slots(at: sealed.place, openPGP: sealed.openPGP).slots
        try opened.store.removeSlot(#require(slots.first { $0.kind == "passphrase" }).id)
        options.sealed = opened
        try await ControlFixture.run(options) { control in
            let answer = try await control.client.acceptConfiguration()
            #expect(answer.accepted == [])
        }
        try await ControlFixture.run(try ControlFixture.redis()) { control in
            _ = try await control.client.protect(ProtectRequest(subject: "99", name: "redis"))
            // One that nobody asked for does no harm.
            _ = try await control.client.unprotect("redis", passphrase: SealedFolder.secret("whatever it is"))
        }
    }
}
