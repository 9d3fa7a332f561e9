import DTMAPI
import DTMCore
import Testing

@testable import DTMTerminalUI

/// What the keys do.
struct KeyTests {
    private func selected(_ model: ConsoleModel) -> RowID? { model.list.selection }

    @Test func `Arrows, letters, pages and ends move the selection and stop at the ends`() {
        var model = Samples.model()
        let rows = model.list.rows
        #expect(selected(model) == rows.first)
        model.press(.down, .character("j"))
        #expect(selected(model) == rows[2])
        model.press(.up, .character("k"), .up)
        #expect(selected(model) == rows.first)
        model.press(.end)
        #expect(selected(model) == rows.last)
        model.press(.home, .pageDown, .pageUp, .wheelDown(row: 5))
        #expect(selected(model) == rows[3])
    }

    @Test func `The selection stays with its row when others come and go before it`() {
        var model = Samples.model()
        model.press(.down, .down, .down)
        let before = selected(model)
        var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        update.apps = [Samples.app("aaa", 9_001, ports: [9_001], tunnel: "redis")]
        _ = model.apply(.update(update))
        #expect(selected(model) == before)
        update.apps = []
        update.goneApps = [9_001, 2_345]
        _ = model.apply(.update(update))
        #expect(selected(model) == before)
    }

    @Test func `When the selected row goes, the one that takes its place is selected`() {
        var model = Samples.model()
        model.press(.end)
        let last = model.list.rows.count - 1
        guard case .app(let pid) = selected(model) else {
            Issue.record("no application is selected")
            return
        }
        var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        update.goneApps = [pid]
        _ = model.apply(.update(update))
        #expect(model.list.index == last - 1)
        #expect(selected(model) == model.list.rows.last)
    }

    @Test func `A click selects the row under it, and one beside the rows does nothing`() {
        var model = Samples.model()
        model.press(.click(row: 5))
        #expect(model.list.index == 2)
        model.press(.click(row: 0), .click(row: 38))
        #expect(model.list.index == 2)
    }

    @Test func `Tab and numbers go through the screens`() {
        var model = Samples.model()
        for screen in Screen.allCases.dropFirst() {
            model.press(.tab)
            #expect(model.screen == screen)
        }
        model.press(.tab)
        #expect(model.screen == .applications)
        model.press(.backTab)
        #expect(model.screen == .performance)
        model.press(.character("2"))
        #expect(model.screen == .tunnels)
    }

    @Test func `Enter goes in, Escape comes back, and a second one clears the filter`() {
        var model = Samples.model()
        model.press(.character("/"), .character("r"), .character("e"), .character("d"), .enter, .enter)
        #expect(model.details == [.app(1_234)])
        model.press(.escape)
        #expect(model.details.isEmpty && model.list.filter == "red")
        model.press(.escape)
        #expect(model.list.filter.isEmpty)
    }

    @Test func `The filter takes every letter for itself, those of commands too`() {
        var model = Samples.model()
        let effects = model.press(.character("/"), .character("q"), .character("T"), .character("p"))
        #expect(effects.isEmpty)
        #expect(model.list.filter == "qTp" && model.list.rows.isEmpty)
        model.press(.backspace, .backspace, .backspace)
        #expect(!model.list.rows.isEmpty)
    }

    @Test func `The seed's keys ask the manager`() {
        var model = Samples.model()
        #expect(model.press(.character("T")) == [.setAutoTunnel(true)])
        #expect(model.press(.character("t")) == [.setAutoTunnel(true)])
        #expect(model.press(.character("A")) == [.setAnalysis(true)])
        #expect(model.press(.character("r")) == [.rotate("web")])
        #expect(model.press(.character("R")) == [.rotateAll])
        #expect(model.press(.character("Q")) == [.end(.quit)])
        #expect(model.press(.control("c")) == [.end(.quit)])
        #expect(model.press(.control("z")) == [.suspend])
    }

    @Test func `Protecting an application with one listener does it, with several asks which`() {
        var model = Samples.model { $0.apps.append(Samples.app("many", 7_000, ports: [7_001, 7_002])) }
        model.press(.character("/"), .character("p"), .character("y"), .character("t"), .enter)
        #expect(model.press(.character("p")) == [.protect(ProtectRequest(subject: "127.0.0.1:8000"))])
        model.press(.escape, .character("/"), .character("m"), .character("a"), .character("n"), .enter)
        #expect(model.press(.character("p")).isEmpty)
        #expect(model.press(.down, .enter) == [.protect(ProtectRequest(subject: "127.0.0.1:7002"))])
    }

    @Test func `Removing a tunnel asks first, and what is chosen before anything is pressed is to keep it`() {
        var model = Samples.model()
        #expect(model.press(.character("p")).isEmpty)
        #expect(model.press(.enter).isEmpty)
        model.press(.character("p"))
        #expect(model.press(.escape).isEmpty && model.dialog == nil)
        model.press(.character("p"))
        #expect(model.press(.character("2")) == [.unprotect("web")])
    }

    @Test(arguments: ["T", "A", "r", "R", "p"])
    func `Who may only look changes nothing and is told why`(_ key: Character) {
        var readOnly = Samples.model(options: ConsoleOptions(isReadOnly: true))
        #expect(readOnly.press(.character(key)).isEmpty)
        #expect(readOnly.message?.kind == .failed)
        #expect(!readOnly.text.contains("auto-tunnel  "))
        var foreign = Samples.model { $0.maySteer = false }
        #expect(foreign.press(.character(key)).isEmpty)
        #expect(foreign.message?.kind == .failed && foreign.dialog == nil)
    }

    @Test func `Dismissing a finding asks first, and only where one is selected`() {
        var model = Samples.model { $0.findings = Samples.findings }
        #expect(model.press(.character("d")).isEmpty && model.dialog == nil && model.message == nil)
        #expect(model.press(.character("3"), .character("d")).isEmpty)
        #expect(model.text.contains("A decoy was touched") && model.dialog != nil)
        #expect(model.press(.enter).isEmpty && model.dialog == nil)
        model.press(.character("d"))
        #expect(model.press(.down, .enter) == [.dismiss("5f0e7d61b0c2")])
        var foreign = Samples.model { update in
            update.maySteer = false
            update.findings = Samples.findings
        }
        #expect(foreign.press(.character("3"), .character("d")).isEmpty)
        #expect(foreign.message?.kind == .failed && foreign.dialog == nil)
        #expect(!foreign.text.contains("dismiss"))
    }

    @Test func `The console of dtm up asks what Q should do while there are tunnels`() {
        var model = Samples.model(options: ConsoleOptions(isAttached: true))
        #expect(model.press(.character("q")).isEmpty)
        #expect(model.text.contains("4 open connections"))
        #expect(model.press(.character("3")).isEmpty && model.dialog == nil)
        model.press(.character("q"))
        #expect(model.press(.enter) == [.end(.leaveRunning)])
        model.press(.control("c"))
        #expect(model.press(.character("2")) == [.end(.quit)])
        var idle = Samples.model(options: ConsoleOptions(isAttached: true)) { $0.tunnels = [] }
        var gone = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        gone.goneTunnels = ["redis", "web"]
        _ = idle.apply(.update(gone))
        #expect(idle.press(.character("q")) == [.end(.quit)])
    }

    @Test func `A paused console shows what was, and everything that is once it goes on`() {
        var model = Samples.model()
        model.press(.character(" "))
        var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        update.goneApps = [1_234]
        _ = model.apply(.update(update))
        #expect(model.text.contains("redis-server") && model.text.contains("PAUSED"))
        model.press(.character(" "))
        #expect(!model.text.contains("redis-server"))
    }

    @Test func `The order is changed, reversed and shown`() {
        var model = Samples.model()
        while model.sorting != .cpu { model.press(.character("s")) }
        #expect(model.list.rows.first == .app(3_456))
        #expect(model.text.contains("CPU%▼") || model.text.contains("CPU…") || model.text.contains("sorted by CPU"))
        model.press(.character("S"))
        #expect(model.list.rows.last == .app(3_456))
    }

    @Test func `All processes are listed when they are asked for`() {
        var model = Samples.model()
        #expect(!model.list.rows.contains(.app(5_000)))
        model.press(.character("v"))
        #expect(model.list.rows.contains(.app(5_000)))
    }

    @Test func `Nothing is asked of a manager that is away`() {
        var model = Samples.model()
        _ = model.apply(.lost("gone"))
        #expect(model.press(.character("R")).isEmpty)
        #expect(model.message?.text == "the manager is away")
        _ = model.apply(.update(Samples.snapshot()))
        #expect(model.live.link.isLive)
        #expect(model.press(.character("R")) == [.rotateAll])
    }

    @Test func `A switch that was thrown is seen at once, and thrown back by the next press`() {
        var model = Samples.model()
        model.press(.character("T"))
        _ = model.apply(.outcome(.init(effect: .setAutoTunnel(true), value: .said("on"))))
        #expect(model.text.contains("auto-tunnel on"))
        #expect(model.press(.character("T")) == [.setAutoTunnel(false)])
    }

    @Test func `A failure stays until the next key, what was done goes by itself`() {
        var model = Samples.model()
        _ = model.apply(.outcome(.init(effect: .rotateAll, value: .failed(message: "no", hint: "yes"))))
        #expect(model.text.contains("no  yes"))
        model.press(.down)
        #expect(model.message == nil)
        _ = model.apply(.outcome(.init(effect: .rotateAll, value: .said("done"))))
        _ = model.tick(at: .seconds(60))
        #expect(model.message == nil)
    }

    @Test func `The doctor and the certificates are asked for while their screen is shown`() {
        var model = Samples.model()
        #expect(model.press(.character("4")) == [.loadDoctor, .loadCertificates])
        #expect(model.tick(at: .seconds(25)).isEmpty)
        #expect(model.tick(at: .seconds(70)) == [.loadDoctor, .loadCertificates])
    }

    @Test func `Events follow the newest until the selection is moved`() {
        var model = Samples.model()
        model.press(.character("5"))
        func add(_ id: UInt64) {
            var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
            update.events = [Samples.event(id, "tunnel.rotated", .info, [:])]
            _ = model.apply(.update(update))
        }
        add(6)
        #expect(model.list.selection == .event(6))
        model.press(.up)
        add(7)
        #expect(model.list.selection == .event(5))
        model.press(.end)
        add(8)
        #expect(model.list.selection == .event(8))
    }

    @Test func `A process without sockets has no history, one that had some keeps it`() {
        var model = Samples.model()
        var update = LiveUpdate(isSnapshot: false, time: Samples.now.rfc3339)
        update.apps = [
            Samples.app("worker", 9_001, rate: 0), Samples.app("server", 9_002, ports: [9_002], rate: 64),
        ]
        _ = model.apply(.update(update))
        let samples = model.live.apps[9_002]?.throughput.samples.count ?? 0
        _ = model.tick(at: .seconds(100))
        #expect(model.live.apps[9_001]?.throughput.samples == [])
        #expect(model.live.apps[9_002]?.throughput.samples.count == samples + 1)
        update.apps = [Samples.app("server", 9_002, rate: 0)]
        _ = model.apply(.update(update))
        _ = model.tick(at: .seconds(102))
        #expect(model.live.apps[9_002]?.throughput.samples.last == 0)
    }
}
