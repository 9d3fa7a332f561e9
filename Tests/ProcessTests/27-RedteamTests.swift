import DTMCore
import DTMTestSupport
import Glibc
import Testing

extension BuiltProgram {
    /// The program attacks itself, and is believed only because its judge is seen to say yes as well.
    @Suite("27 redteam")
    struct Redteam {
        private func redteam(_ arguments: [String], user: OtherUser? = nil) throws -> (status: CInt, report: JSONValue)
        {
            let command = (user?.prefix ?? []) + [try BuiltProgram.path(), "redteam", "--json"] + arguments
            let outcome = try run(
                command[0], Array(command.dropFirst()), in: try TestDirectory(), environment: basicEnvironment,
                limit: .seconds(240))
            try #require([0, 2].contains(outcome.status), "\(outcome.errors)")
            return (outcome.status, try outcome.decode(JSONValue.self))
        }

        private func leftovers() -> [String] {
            guard let folder = opendir("/tmp") else { return [] }
            defer { closedir(folder) }
            var names: [String] = []
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasPrefix("dtm-redteam.") { names.append(name) }
            }
            return names
        }

        @Test(
            "0 of 10,000 attempts of every kind without an identity reach the application, and its own client is served"
        )
        func attempts() throws {
            let (status, report) = try redteam(["--attack", "follower", "--trials", "10000", "--limit", "200"])
            let attack = try #require(report["attacks"]?[0])
            #expect(status == 0 && report["schemaVersion"] == .number(1))
            #expect(attack["probes"] == .number(10_000) && attack["reached"] == .boolean(false), "\(attack)")
            #expect(attack["chance"]?["hits"] == .number(0) && attack["clientServed"] == .boolean(true))
            #expect(attack["alarm"]?["code"]?.type == "string")
        }

        @Test(
            "A sweep, a reader of /proc and a stale endpoint are alarms at once; an open direct port is told, and is exit status 2"
        )
        func told() throws {
            let before = leftovers()
            let (status, report) = try redteam([
                "--attack", "range-sweep", "proc-reader", "replay", "bypass", "--trials", "1000",
            ])
            #expect(status == 2)
            let names = ["range-sweep", "proc-reader", "replay", "bypass"]
            for (index, name) in names.enumerated() {
                let attack = try #require(report["attacks"]?[index])
                #expect(
                    attack["attack"] == .string(name) && attack["reached"] == .boolean(name == "bypass"), "\(attack)")
                #expect(attack["alarm"]?["code"]?.type == "string", "\(attack)")
                #expect(
                    attack.breaches(of: [
                        "title": "string", "probes": "number", "touchedReal": "number", "alarm.probes": "number",
                        "alarm.seconds": "number", "chance.measured": "number", "chance.low": "number",
                        "chance.high": "number", "chance.formula": "number", "clientServed": "boolean",
                    ]) == [])
            }
            #expect(report["attacks"]?[2]?["alarm"]?["code"] == .string("endpoint.stale"))
            #expect(leftovers() == before)
        }

        @Test("A tunnel of a running manager is attacked by what harms nobody alone")
        func running() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "door")
            let refused = try manager.dtm("redteam", "--tunnel", "door", "--home", manager.home, "--attack", "flood")
            #expect(refused.status == 64 && refused.errors.contains("allowed are range-sweep"), "\(refused.errors)")
            let before = target.seen
            let outcome = try manager.dtm(
                "redteam", "--tunnel", "door", "--home", manager.home, "--attack", "proc-reader", "--trials", "1000",
                "--json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let report = try outcome.decode(JSONValue.self)
            #expect(report["tunnel"] == .string("door") && report["attacks"]?[0]?["reached"] == .boolean(false))
            #expect(target.seen == before)
        }
    }
}
