import DTMAPI
import DTMCore
import Testing

extension BuiltProgram {
    @Suite("03 what scripts rely on")
    struct Contract {
        @Test("dtm status --json keeps the contract")
        func status() throws {
            let manager = try Manager()
            let status = try JSONValue(manager.dtm("status", "--json").output)
            #expect(
                status.breaches(of: [
                    "schemaVersion": "number", "pid": "number", "uptimeSeconds": "number", "version": "string",
                    "home": "string", "state.mode": "string", "autoTunnel": "boolean", "analysis": "boolean",
                    "tunnels": "number", "memory.residentBytes": "number", "memory.lockedBytes": "number",
                    "memory.protection.policy": "string", "memory.protection.control": "string",
                    "memory.protection.dataPlane": "string", "memory.protection.lapses": "array",
                    "cpuPercent": "number", "processes": "array", "degraded": "array",
                ]) == [])
            #expect(status["schemaVersion"] == .number(1))
            #expect(status["state"]?["mode"] == .string("ephemeral"))
            #expect(status["home"] == .string(manager.home))
            let roles = try Set(manager.status().processes.map(\.role))
            #expect(roles == ["launcher", "control", "dataplane"])
        }

        @Test("dtm tunnels --json keeps the contract")
        func tunnels() throws {
            let manager = try Manager()
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis")
            let list = try JSONValue(manager.dtm("tunnels", "--json").output)
            #expect(list["schemaVersion"] == .number(1))
            let tunnel = try #require(list["tunnels"]?[0])
            #expect(
                tunnel.breaches(of: [
                    "name": "string", "target": "string", "tier": "string", "identity": "string",
                    "endpoint.host": "string", "endpoint.port": "number", "previous": "array", "epoch": "number",
                    "generation": "number", "nextRotation": "string", "rotations": "number",
                    "rotationFailures": "number", "connections.active": "number", "connections.total": "number",
                    "connections.rejected": "number", "connections.failed": "number", "bytesIn": "number",
                    "bytesOut": "number", "certificate.serial": "string", "certificate.notBefore": "string",
                    "certificate.notAfter": "string", "certificate.renewals": "number",
                ]) == [])
            #expect(tunnel["tier"] == .string("fronted"))
            let next = try #require(try manager.tunnel("redis").nextRotation)
            #expect(Timestamp(rfc3339: next) != nil, "\(next)")
        }

        @Test("dtm tunnels counts connections and bytes")
        func counts() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let connection = try Connection(manager, to: "echo")
            let socket = try connection.socket()
            try socket.send("12345")
            #expect(try socket.receive(exactly: 5).count == 5)
            let isCounted = try eventually {
                let report = try manager.tunnel("echo")
                return report.connections.active == 1 && report.bytesIn == 5 && report.bytesOut == 5
            }
            #expect(isCounted)
            socket.endSending()
            #expect(try socket.receive() == [])
            let isOver = try eventually {
                let report = try manager.tunnel("echo")
                return report.connections.active == 0 && report.connections.total == 1
            }
            #expect(isOver)
        }

        @Test("dtm events --json --follow prints one event a line, as it happens")
        func events() throws {
            let manager = try Manager()
            let follower = try manager.start("events", "--json", "--follow")
            _ = try manager.event("manager.started")
            let target = try RecordingTarget()
            // The stream has begun when it shows something; what came before that is not promised.
            try manager.protect(target.target, name: "echo")
            let shows = try eventually {
                _ = try manager.dtm("rotate", "echo")
                return follower.output.contains(#""tunnel.rotated""#)
            }
            #expect(shows, "\(follower.output) \(follower.errors)")
            for line in follower.lines.dropLast(follower.output.hasSuffix("\n") ? 0 : 1) {
                let event = try JSONValue(line)
                #expect(
                    event.breaches(of: [
                        "schemaVersion": "number", "id": "number", "time": "string", "kind": "string",
                        "severity": "string", "tunnel": "string?", "app": "string?", "identity": "string?",
                        "detail": "object",
                    ]) == [], "\(line)")
            }
        }

        @Test("dtm apps --json keeps the contract, and shows what is protected")
        func apps() throws {
            let manager = try Manager()
            let redis = try RedisServer(in: manager.directory)
            try manager.protect(redis.target, name: "redis")
            let list = try JSONValue(manager.dtm("apps", "--json").output)
            guard case .array(let apps)? = list["apps"] else {
                Issue.record("no apps: \(list)")
                return
            }
            let app = try #require(apps.first { $0["pid"] == .number(Double(redis.program.pid)) })
            #expect(
                app.breaches(of: [
                    "application": "string", "name": "string", "executable": "string?", "uid": "number",
                    "user": "string", "state": "string", "cpuPercent": "number", "residentBytes": "number",
                    "threads": "number", "startedAt": "string", "cgroup": "string", "listeners": "array",
                    "connections": "array", "tunnel": "string?", "tier": "string", "unit": "string?",
                    "container": "string?", "arguments": "string?", "descriptors": "number?", "parent": "number?",
                    "gaps": "array", "otherNetwork": "boolean?",
                ]) == [])
            #expect(
                list.breaches(of: [
                    "schemaVersion": "number", "unattributed": "array", "complete": "boolean", "ownOnly": "boolean",
                    "missingCapabilities": "array", "losses": "array", "truncated": "boolean",
                ]) == [])
            #expect(app["tunnel"] == .string("redis"))
            #expect(app["tier"] == .string("fronted"))
            #expect(app["listeners"]?[0]?["port"] == .number(Double(redis.port)))
            #expect(app["listeners"]?[0]?["protocol"] == .string("tcp"))
            #expect(apps.contains { $0["pid"] == .number(Double(manager.launcher.pid)) }, "DTM's own are included")
        }

        @Test("dtm protect says the tier, and that the direct port is still open")
        func protectNotes() throws {
            let manager = try Manager()
            let redis = try RedisServer(in: manager.directory)
            let answer = try manager.protect(redis.target, name: "redis")
            #expect(answer.tunnel.tier == "fronted")
            #expect(answer.notes.contains { $0.contains(redis.target) && $0.contains("open") })
        }

        @Test("The log has a line of JSON for each event, with ECS names")
        func log() throws {
            let manager = try Manager()
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "echo")
            let path = "\(manager.home)/logs/dtm.json"
            let isLogged = eventually { text(of: path).contains("tunnel.added") }
            #expect(isLogged)
            for line in text(of: path).split(separator: "\n") {
                let entry = try JSONValue(line)
                #expect(entry["@timestamp"] != nil && (entry["log.level"] ?? entry["log"]) != nil, "\(line)")
            }
        }
    }
}
