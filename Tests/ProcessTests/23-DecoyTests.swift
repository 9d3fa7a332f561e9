import DTMAPI
import DTMCore
import DTMTestSupport
import Glibc
import Testing

extension BuiltProgram {
    @Suite("23 decoys")
    struct Decoys {
        /// Connects to every listener of the range that /proc shows to anybody, and waits for what it says.
        static let sweep = """
            import socket, struct, time
            low, high, places = 15100, 15199, []
            for line in open("/proc/net/tcp").readlines()[1:]:
                fields = line.split()
                address, port = fields[1].split(":")
                port = int(port, 16)
                host = socket.inet_ntoa(struct.pack("<I", int(address, 16)))
                if fields[3] == "0A" and low <= port <= high and host.startswith("127."): places.append((host, port))
            peers = []
            for place in places:
                peer = socket.create_connection(place, 5)
                peer.send(b"HELP\\r\\n")
                peers.append(peer)
            print(len(places), flush=True)
            time.sleep(60)
            """

        @Test(
            "A sweep by another user is told at once, with the user, the program, and what it sent; few events count it all",
            .enabled(if: OtherUser.nobody != nil))
        func swept() throws {
            let manager = try Manager(
                #"{"rotation": {"portRange": [15100, 15199], "intervalSeconds": 3600, "overlapSeconds": 2}}"#)
            let target = try RecordingTarget()
            try manager.protect(target.target, name: "door")
            let stands = try eventually { (try manager.tunnel("door").decoys ?? 0) >= 33 }
            #expect(stands)
            let report = try manager.tunnel("door")
            #expect(report.previous.isEmpty)
            let user = try #require(OtherUser.nobody)
            let before = target.seen
            let attacker = try ChildProgram(
                .init(
                    program: "setpriv", arguments: user.prefix.dropFirst() + ["python3", "-c", Self.sweep],
                    environment: basicEnvironment, directory: manager.directory.path))
            let event = try manager.event(Event.Kind.decoyTouched) {
                $0.detail["uid"] == .integer(Int64(user.uid)) && $0.detail["executable"] != nil
            }
            #expect(event.severity == .warning && event.tunnel == "door")
            #expect("\(event.detail["executable"] ?? "")".contains("python3"))
            #expect(event.detail["pid"] == .integer(Int64(attacker.pid)))
            #expect(event.detail["sent"] == .string("text") && event.detail["sentFirst"] == .string("48454c500d0a"))
            #expect(target.seen == before)
            // Those that were held back are counted.
            var told: [EventReport] = []
            let counted = try eventually(.seconds(30)) {
                told = try manager.events().filter { $0.kind == Event.Kind.decoyTouched }
                let total = told.reduce(Int64(0)) { sum, event in
                    if case .integer(let count)? = event.detail["count"] { sum + count } else { sum }
                }
                return total >= 33
            }
            #expect(counted, "\(told)")
            #expect(told.count <= 8, "\(told.count)")
        }
    }
}
