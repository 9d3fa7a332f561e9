import DTMAPI
import DTMCore
import Testing

@testable import DTMTerminalUI

/// The keys for what is done about findings.
struct ResponseKeyTests {
    private func model(
        options: ConsoleOptions = ConsoleOptions(), _ change: @escaping (inout LiveUpdate) -> Void = { _ in }
    ) -> ConsoleModel {
        var model = Samples.model(options: options) { update in
            update.findings = Samples.findings
            update.responses = Samples.responses
            change(&update)
        }
        model.press(.character("3"))
        return model
    }

    @Test func `What waits stands first, then what is in force, then what was found`() {
        let model = model()
        #expect(
            model.list.rows
                == [.response("r17"), .response("r5"), .response("r6"), .response("r7")]
                + Samples.findings.findings.map { .finding($0.id) })
    }

    @Test func `Approving asks first, and what is chosen before anything is pressed is to leave it`() {
        var model = model()
        #expect(model.press(.character("a")).isEmpty)
        #expect(model.text.contains("/usr/bin/nmap") && model.text.contains("can't be taken back"))
        #expect(model.press(.enter).isEmpty && model.dialog == nil)
        model.press(.character("a"))
        #expect(model.press(.down, .enter) == [.decide(.approve, "r17")])
        #expect(model.message?.kind == .progress)
        model.press(.character("d"))
        #expect(model.press(.character("2")) == [.decide(.dismiss, "r17")])
    }

    @Test func `Undoing asks first, and only what is in force`() {
        var model = model()
        #expect(model.press(.character("u")).isEmpty && model.dialog == nil && model.message?.kind == .failed)
        model.press(.down)
        #expect(model.press(.character("a")).isEmpty && model.dialog == nil && model.message?.kind == .failed)
        #expect(model.press(.character("d")).isEmpty && model.dialog == nil && model.message?.kind == .failed)
        model.press(.character("u"))
        #expect(model.press(.enter).isEmpty)
        model.press(.character("u"))
        #expect(model.press(.character("2")) == [.decide(.undo, "r5")])
    }

    @Test func `In a finding the keys are for what is done about it, through whichever tunnel where it cuts off`() {
        var model = model { update in
            update.responses?.active[0].tunnel = "web"
            update.responses?.active[2].tunnel = "web"
        }
        model.press(.down, .down, .down, .down, .enter)
        #expect(model.text.contains("r17") && model.text.contains("r7") && !model.text.contains("r5"))
        #expect(!model.text.contains("r6"))
        model.press(.character("u"))
        #expect(model.press(.character("2")) == [.decide(.undo, "r7")])
        model.press(.character("a"))
        #expect(model.press(.character("2")) == [.decide(.approve, "r17")])
        model.press(.character("d"))
        #expect(model.press(.character("3")) == [.decide(.dismiss, "r17")])
        model.press(.character("d"))
        #expect(model.press(.character("2")) == [.dismiss("5f0e7d61b0c2")])
    }

    @Test func `Several that are in force about a finding are told apart`() {
        var model = model()
        model.press(.down, .down, .down, .down, .character("u"))
        #expect(model.text.contains("Take back r5, raise-decoys") && model.text.contains("Take back r7, quarantine"))
        #expect(model.press(.character("3")) == [.decide(.undo, "r7")])
    }

    @Test func `X stops everything and lets it act again, and asks before`() {
        var model = model()
        model.press(.character("1"))
        #expect(model.press(.character("X")).isEmpty)
        #expect(model.text.contains("3 responses in force will be taken back"))
        #expect(model.press(.enter).isEmpty)
        model.press(.character("X"))
        #expect(model.press(.character("2")) == [.stopResponses])
        _ = model.apply(.outcome(.init(effect: .stopResponses, value: .said("stopped"))))
        #expect(model.press(.character("X"), .character("2")) == [.resumeResponses])
        model.press(.character("3"))
        _ = model.tick(at: .seconds(90))
        #expect(model.text.contains("responses are stopped"))
    }

    @Test func `What the manager wants the operator's word for is asked for outside of the screen`() {
        var model = model()
        let effect = Effect.decide(.approve, "r17")
        #expect(model.apply(.outcome(.init(effect: effect, value: .passphraseNeeded))) == [.confirm(effect)])
    }

    @Test(arguments: ["a", "d", "u", "X"])
    func `Who may only look decides nothing and is told why`(_ key: Character) {
        var readOnly = model(options: ConsoleOptions(isReadOnly: true))
        #expect(readOnly.press(.character(key)).isEmpty && readOnly.dialog == nil)
        #expect(readOnly.message?.text == "this console is read-only")
        #expect(!readOnly.text.contains("approve") && !readOnly.text.contains("X stop"))
        var foreign = model { update in
            update.maySteer = false
            update.responses = nil
        }
        #expect(foreign.list.rows.count == 2)
        #expect(foreign.press(.character(key)).isEmpty && foreign.dialog == nil)
        #expect(foreign.message?.kind == .failed)
    }

    @Test func `a switches the analysis wherever no response is meant`() {
        var model = model()
        model.press(.character("1"))
        #expect(model.press(.character("a")) == [.setAnalysis(true)])
    }

    @Test func `One that is over is said to be, and a new snapshot forgets all`() {
        var model = model()
        model.press(.enter)
        #expect(model.text.contains("Response r17"))
        var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        update.responses = ResponseList(mode: "protect", stopped: false, active: [], pending: [], past: [])
        _ = model.apply(.update(update))
        #expect(model.text.contains("It is over"))
        _ = model.apply(.update(Samples.snapshot()))
        #expect(model.live.responses == nil)
    }

    @Test func `The filter finds responses by what they are, whom they are aimed at and why`() {
        var model = model()
        for (text, count) in [("quarantine", 1), ("nmap", 3), ("decoy", 5), ("r6", 1)] {
            model.press(.character("/"), .control("u"))
            for character in text { model.press(.character(character)) }
            model.press(.enter)
            #expect(model.list.rows.count == count, "\(text): \(model.list.rows)")
        }
    }
}
