import Glibc
import Testing

@testable import DTMDoctor

@Suite struct CheckTests {
    /// One thing that is wrong, and what a check says of it.
    struct Fault: Sendable, CustomTestStringConvertible {
        var name: String
        var code: String
        var severity: HealthSeverity
        /// What the detail names.
        var detail: String
        /// What the remedy names.
        var mend: String
        var spoil: @Sendable (inout HostFacts) -> Void
        var testDescription: String { "\(code): \(name)" }

        init(
            _ code: String, _ name: String, _ severity: HealthSeverity, detail: String, mend: String = "",
            _ spoil: @escaping @Sendable (inout HostFacts) -> Void
        ) {
            self.name = name
            self.code = code
            self.severity = severity
            self.detail = detail
            self.mend = mend
            self.spoil = spoil
        }
    }

    @Test(arguments: HealthRegistry.checks.map(\.code))
    func `A healthy host passes`(code: String) throws {
        let result = try Samples.examine(code)
        #expect(result.status == .passed, "\(result.detail)")
        #expect(!result.detail.isEmpty)
    }

    @Test(arguments: HomeFaults.all + HostFaults.all)
    func `What is wrong is found, judged and named, with what mends it`(fault: Fault) throws {
        let result = try Samples.examine(fault.code, fault.spoil)
        #expect(result.status == .failed)
        #expect(result.severity == fault.severity)
        #expect(result.detail.contains(fault.detail), "\(result.detail)")
        #expect(result.mend.contains(fault.mend), "\(result.mend)")
        #expect(!result.mend.isEmpty && !result.consequence.isEmpty)
    }

    @Test func `Every check has a fault that it finds`() {
        let found = Set((HomeFaults.all + HostFaults.all).map(\.code))
        #expect(found == Set(HealthRegistry.checks.map(\.code)))
    }

    @Test(arguments: HomeFaults.all + HostFaults.all)
    func `A fault is no other check's business`(fault: Fault) {
        var facts = Samples.healthy
        fault.spoil(&facts)
        let failed = HealthRegistry.examine(facts).filter { $0.status == .failed }.map(\.code)
        #expect(failed == [fault.code])
    }

    @Test func `What is not there is not applicable, and what is kept from us is unknown`() throws {
        let absent: [(String, (inout HostFacts) -> Void)] = [
            ("doctor.home", { $0.home.folders = .absent }), ("doctor.files", { $0.home.files = [] }),
            ("doctor.sockets", { $0.home.sockets = .absent }), ("doctor.processes", { $0.home.processes = .absent }),
            ("doctor.disk", { $0.home.volume = .absent }), ("doctor.manager", { $0.settings.manager = .none }),
        ]
        for (code, spoil) in absent { #expect(try Samples.examine(code, spoil).status == .notApplicable, "\(code)") }
        let unknown: [(String, (inout HostFacts) -> Void)] = [
            ("doctor.home", { $0.home.folders = .unknown("closed") }),
            (
                "doctor.files",
                { facts in
                    facts.home.files = []
                    facts.home.folders = .unknown("closed")
                }
            ),
            ("doctor.sockets", { $0.home.sockets = .known([SocketFacts(path: "/s", answers: .unknown("closed"))]) }),
            ("doctor.processes", { $0.home.processes = .unknown("closed") }),
            ("doctor.disk", { $0.home.volume = .unknown("closed") }),
            ("doctor.manager", { $0.settings.manager = .closed("closed") }),
            ("doctor.ports", { $0.network.listeners = .unknown("closed") }),
            ("doctor.rights", { $0.process.capabilities = .unknown("closed") }),
            ("doctor.proc", { $0.kernel.procOptions = .unknown("closed") }),
            ("doctor.clock", { $0.kernel.clock = .unknown("closed") }),
            ("doctor.landlock", { $0.kernel.landlockABI = .unknown("closed") }),
            ("doctor.swap", { $0.memory.swaps = .unknown("closed") }),
            ("doctor.cores", { $0.memory.corePattern = .unknown("closed") }),
            ("doctor.ptrace", { $0.memory.ptraceScope = .unknown("closed") }),
        ]
        for (code, spoil) in unknown {
            let result = try Samples.examine(code, spoil)
            #expect(result.status == .unknown && result.detail == "closed", "\(code)")
        }
        #expect(try Samples.examine("doctor.ephemeral") { $0.network.outgoingPorts = .absent }.status == .unknown)
    }

    @Test func `What makes a fault harmless makes the check pass`() throws {
        let harmless: [(String, (inout HostFacts) -> Void)] = [
            ("doctor.memlock", { $0.process.lockedBytesLimit = nil }),
            (
                "doctor.memlock",
                { facts in
                    facts.process.lockedBytesLimit = 0
                    facts.process.capabilities = .known([.ipcLock])
                }
            ),
            ("doctor.descriptors", { $0.process.descriptorLimit = nil }),
            ("doctor.proc", { $0.kernel.procOptions = .known(["rw", "hidepid=invisible"]) }),
            ("doctor.proc", { $0.kernel.procOptions = .known(["rw", "hidepid=off"]) }),
            ("doctor.swap", { $0.memory.swaps = .known([SwapFacts(path: "/dev/zram0", isProtected: true)]) }),
            ("doctor.swap", { $0.memory.swaps = .absent }),
            ("doctor.home", { $0.home.parents = [Samples.folder("/tmp", owner: 0, mode: 0o1777)] }),
            (
                "doctor.ephemeral",
                { facts in
                    facts.network.outgoingPorts = .known(1_024...65_535)
                    facts.network.reservedPorts = .known([5_000...5_500, 5_501...6_000])
                }
            ),
            ("doctor.configuration", { $0.settings.configuration = .valid(path: nil, tunnels: 0, warnings: []) }),
            // Somebody's 127.0.0.1 is in nobody's way when addresses move.
            (
                "doctor.ports",
                { facts in
                    facts.network.listeners = .known(
                        (5_000...6_000).map { PortHolder(port: $0, place: .localhost, uid: 0) })
                }
            ),
            (
                "doctor.ports",
                { facts in
                    facts.network.listeners = .known(
                        (5_000...6_000).map { PortHolder(port: $0, place: .everywhere, uid: 0) })
                    facts.settings.ownPorts = Set(5_000...6_000)
                }
            ),
        ]
        for (code, spoil) in harmless {
            let result = try Samples.examine(code, spoil)
            #expect(result.status == .passed, "\(code): \(result.detail)")
        }
    }

    @Test func `The ports in use are named, a few of them, with their users`() throws {
        let result = try Samples.examine("doctor.ports") { facts in
            facts.network.listeners = .known((5_100...5_120).map { PortHolder(port: $0, place: .everywhere, uid: 33) })
        }
        #expect(result.status == .passed)
        #expect(result.detail.contains("21 in use by others (5100 by uid 33, "), "\(result.detail)")
        #expect(result.detail.contains(", …)") && !result.detail.contains("5110"))
        // 1001, without those of PostgreSQL and the 21.
        #expect(result.detail.hasPrefix("979 of 1001 ports"))
    }

    @Test func `A home that is another's is one problem, not one for each thing in it`() throws {
        var facts = Samples.healthy
        facts.process.uid = 7
        facts.home.folders = .known([Samples.folder("/h"), Samples.folder("/h/run"), Samples.folder("/h/logs")])
        let failed = HealthRegistry.examine(facts).filter { $0.status == .failed }
        #expect(failed.map(\.code) == ["doctor.home"])
        #expect(failed.first?.detail == "/h belongs to uid 1000, not to uid 7")
    }

    @Test func `A command that is suggested names the home, where it is not the usual one`() throws {
        for (code, spoil) in [
            ("doctor.sockets", { $0.home.sockets = .known([SocketFacts(path: "/s", answers: .known(false))]) }),
            ("doctor.configuration", { $0.settings.configuration = .changed(path: nil, changes: ["x"]) }),
        ] as [(String, (inout HostFacts) -> Void)] {
            let result = try Samples.examine(code) { facts in
                spoil(&facts)
                facts.settings.homeOption = " --home /x"
            }
            #expect(result.mend.contains(" --home /x"), "\(result.mend)")
        }
    }

    @Test func `A path is quoted in what is to be typed`() throws {
        let result = try Samples.examine("doctor.home") { facts in
            facts.home.folders = .known([Samples.folder("/home/a b/$(id)", mode: 0o777)])
        }
        #expect(result.mend == "chmod go-rwx '/home/a b/$(id)'")
    }
}
