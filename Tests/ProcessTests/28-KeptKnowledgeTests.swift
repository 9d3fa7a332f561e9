import DTMAPI
import DTMCore
import Glibc
import Testing

extension BuiltProgram {
    /// What was found and learnt outlives a manager with a sealed state.
    @Suite("28 kept knowledge")
    struct KeptKnowledge {
        private let sealed: SealedHome
        private let manager: Manager
        private let targets: [RecordingTarget]

        init() throws {
            sealed = try SealedHome()
            manager = try Manager(existing: sealed.directory, home: sealed.home, unlock: sealed.passphraseFile)
            targets = [try RecordingTarget(), try RecordingTarget()]
            for (name, target) in zip(["shown", "hidden"], targets) {
                try manager.protect(target.target, name: name, "--interval", "3600", "--overlap", "60")
            }
        }

        private func probed() throws -> [FindingReport] {
            try manager.dtm("findings", "--json").decode(FindingList.self).findings
                .filter { $0.code == "endpoint.probed" }
        }

        /// Says something that is no TLS at the live endpoint.
        private func knock(at tunnel: String) throws {
            let socket = try BlockingSocket(connectedTo: try manager.endpoint(of: tunnel))
            try socket.send("hello, is this a tunnel?\r\n\r\n")
            _ = try? socket.receive(exactly: 1)
        }

        private func finding(about tunnel: String, count: UInt64) throws -> FindingReport {
            try awaited("no finding about \(tunnel) with a count of \(count)") {
                try probed().first { $0.tunnel == tunnel && $0.count ?? 0 >= count }
            }
        }

        @Test("A finding is there after a restart with its count, and one that was dismissed stays hidden")
        func findings() throws {
            for _ in 0..<2 { try knock(at: "shown") }
            let before = try finding(about: "shown", count: 2)
            try knock(at: "hidden")
            let hidden = try finding(about: "hidden", count: 1)
            let dismissed = try manager.dtm("findings", hidden.id, "--dismiss")
            #expect(dismissed.status == 0, "\(dismissed.errors)")
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            let after = try finding(about: "shown", count: 2)
            #expect(after.id == before.id && after.count == before.count && after.since == before.since)
            try knock(at: "hidden")
            try knock(at: "shown")
            _ = try finding(about: "shown", count: 3)
            #expect(try probed().allSatisfy { $0.tunnel == "shown" })
            #expect(try manager.events().allSatisfy { $0.kind != "findings.unreadable" })
        }

        private func isLearning(_ tunnel: String) throws -> Bool? {
            let outcome = try manager.dtm("analyze", tunnel, "--json")
            let report = try outcome.decode(AnalysisReport.self)
            return report.subjects.first { $0.kind == "tunnel" && $0.name == tunnel }?.learning
        }

        @Test("What a table taught is judged at once, goes to another tunnel as a file, and outlives a restart")
        func baselines() throws {
            let rows = (0..<120).map { "\(1_700_000_000 + 10 * $0),\(2 + ($0 * 7) % 5)" }
            let table = try sealed.directory.write("table.csv", rows.joined(separator: "\n") + "\n")
            let taught = ["opened", "active", "failed", "rejected", "bytes-in", "bytes-out", "identities", "touches"]
            for metric in taught {
                let outcome = try manager.dtm("analyze", "train", "shown", metric, "--csv", table)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            let unknown = try manager.dtm("analyze", "train", "shown", "cpu", "--csv", table)
            #expect(unknown.status != 0 && unknown.errors.contains("bytes-out"), "\(unknown.errors)")
            #expect(try isLearning("shown") == false)
            let file = sealed.directory.file("shown.baseline")
            #expect(try manager.dtm("analyze", "export", "shown", "--output", file).status == 0)
            var facts = stat()
            #expect(stat(file, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
            #expect(try manager.dtm("analyze", "export", "shown", "--output", file).status == 1)
            let imported = try manager.dtm("analyze", "import", file, "--name", "hidden")
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try manager.dtm("analyze", "import", table).status == 1)
            #expect(manager.stop() == .exited(0))
            try manager.restart()
            for tunnel in ["shown", "hidden"] { #expect(try isLearning(tunnel) == false) }
            #expect(try sealed.state(["verify", "--passphrase-file", sealed.passphraseFile]).status == 0)
        }
    }
}
