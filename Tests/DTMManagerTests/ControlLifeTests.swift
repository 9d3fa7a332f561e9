import DTMAPI
import DTMCore
import DTMPlan
import DTMTelemetry
import Testing

@testable import DTMManager

/// How control ends, and what it does without a launcher.
@Suite struct ControlLifeTests {
    @Test func `a drain reaches the data plane, ends open streams, and leaves no socket behind`() async throws {
        let options = ControlFixture.Options(configuration: #"{"timeouts":{"drainSeconds":3}}"#)
        let path = LockedText()
        let milliseconds = LockedText()
        try await ControlFixture.run(options) { control in
            path.value = control.socketPath
            let events = try await control.client.followEvents(after: 0)
            control.launcher.drain()
            // The stream ends by itself once the manager stops.
            do { for try await _ in events {} } catch is ControlClientError {}
            let plane = control.plane
            let drained = await control.assembly.parts.supervisor.changes.first(within: .seconds(5)) {
                plane.read { $0.drainMilliseconds }
            }
            milliseconds.value =
                plane.read { $0.drainMilliseconds }.map(String.init) ?? drained.map(String.init) ?? "none"
        }
        #expect(milliseconds.value == "3000")
        #expect(try FileFacts.read(path.value, followingLinks: false) == nil)
    }

    @Test func `without a launcher it serves on, says so, and ends when its time is over`() async throws {
        let options = ControlFixture.Options(configuration: #"{"orphan":{"limitSeconds":0}}"#)
        try await ControlFixture.run(options) { control in
            let journal = control.assembly.parts.recorder.journal
            let subscription = try journal.subscribe(after: 0)
            control.launcher.vanish()
            for await element in subscription {
                if case .entry(let entry) = element, entry.event.kind == Event.Kind.managerUnsupervised { break }
            }
            #expect(control.assembly.parts.status.isOrphaned)
        }
    }

    @Test func `the launcher's second word ends it at once`() async throws {
        await #expect(throws: ForcedEnd.self) {
            try await ControlFixture.run { control in control.launcher.now() }
        }
    }

    @Test func `a client that goes away leaves no follower behind`() async throws {
        try await ControlFixture.run { control in
            let journal = control.assembly.parts.recorder.journal
            // The rules follow it too, and who notifies others.
            let own = 2
            while journal.subscriberCount < own { _ = try await control.client.tunnels() }
            let other = ControlClient(at: ControlSocketLocator(candidates: [control.socketPath]))
            let events = try await other.followEvents()
            #expect(journal.subscriberCount == own + 1)
            _ = events
            await other.shutdown()
            // Every call of another client gives the server's loop the chance to notice.
            while journal.subscriberCount > own { _ = try await control.client.tunnels() }
            #expect(journal.subscriberCount == own)
        }
    }
}
