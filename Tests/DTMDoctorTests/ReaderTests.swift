import Glibc
import Testing

@testable import DTMDoctor

@Suite struct ReaderTests {
    private func reader(_ folder: Folder, answers: Reading<Bool> = .known(true)) -> HostFactsReader {
        var probes = KernelProbes()
        probes.userNamespace = { .refused(EPERM) }
        probes.answers = { _ in answers }
        return HostFactsReader(root: folder.path, probes: probes, uid: geteuid())
    }

    private var settings: DoctorSettings {
        var settings = Samples.settings
        settings.home = "/home"
        return settings
    }

    @Test func `A host is read from its files`() throws {
        let folder = try Folder()
        try folder.write("proc/self/status", "CapEff:\t0000000000001000\n")
        try folder.write("proc/self/mountinfo", "22 28 0:21 / /proc rw - proc proc rw,hidepid=2\n")
        try folder.write("proc/sys/user/max_user_namespaces", "0\n")
        try folder.write("proc/sys/kernel/osrelease", "6.1.0-x\n")
        try folder.write("proc/sys/kernel/core_pattern", "|/bin/collect %p\n")
        try folder.write("proc/sys/kernel/yama/ptrace_scope", "nonsense\n")
        try folder.write("proc/swaps", "Filename\n/dev/zram0 partition 1 0 1\n/swapfile file 1 0 1\n")
        try folder.write("proc/sys/net/ipv4/ip_local_port_range", "4096\t8192\n")
        try folder.write("proc/sys/net/ipv4/ip_local_reserved_ports", "\n")
        let facts = reader(folder).read(settings)
        #expect(facts.process.capabilities == .known(.netAdmin))
        #expect(facts.kernel.procOptions == .known(["rw", "rw", "hidepid=2"]))
        #expect(facts.kernel.namespaceSettings == ["user.max_user_namespaces": 0])
        #expect(facts.kernel.release == .known("6.1.0-x"))
        #expect(facts.memory.corePattern == .known("|/bin/collect %p"))
        #expect(facts.memory.ptraceScope == .unknown("/proc/sys/kernel/yama/ptrace_scope holds no number"))
        #expect(facts.memory.swaps.value?.map(\.isProtected) == [true, false])
        #expect(facts.network.outgoingPorts == .known(4_096...8_192))
        #expect(facts.network.reservedPorts == .known([]))
        #expect(facts.network.listeners == .absent)
    }

    @Test func `A home is read with its modes, its sockets and its processes`() throws {
        let folder = try Folder()
        folder.makeFolder("home", mode: 0o777)
        folder.makeFolder("home/run")
        try folder.write("home/logs/dtm.json", "{}\n", mode: 0o644)
        try folder.write("home/run/manager.lock", "7\n")
        try folder.write("home/run/processes", "12 4711 control\n13 1 dataplane\n")
        let rest = "7 12 12 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1"
        for pid in [12, 13] { try folder.write("proc/\(pid)/stat", "\(pid) (dtm) S \(rest)") }
        close(try folder.bindSocket("home/run/control.sock"))
        let home = reader(folder, answers: .known(false)).read(settings).home
        #expect(home.folders.value?.map(\.path) == ["/home", "/home/run", "/home/logs"])
        #expect(home.folders.value?.first?.permissions == 0o777)
        #expect(home.files.map(\.path) == ["/home/logs/dtm.json", "/home/run/manager.lock", "/home/run/processes"])
        #expect(home.files.first?.isOpenToOthers == true)
        #expect(home.sockets == .known([SocketFacts(path: "/home/run/control.sock", answers: .known(false))]))
        #expect(
            home.processes
                == .known([
                    ProcessEntry(role: "control", pid: 12, isRunning: true, isSupervised: true),
                    ProcessEntry(role: "dataplane", pid: 13, isRunning: false, isSupervised: true),
                ]))
        #expect(home.volume.value?.path == "/home/logs")
        #expect(home.volume.value?.logBytes == 3)
    }

    @Test func `A home that is not there is absent, and the volume is that of the folder above`() throws {
        let folder = try Folder()
        let home = reader(folder).read(settings).home
        #expect(home.folders == .absent)
        #expect(home.sockets == .absent)
        #expect(home.processes == .absent)
        #expect(home.volume.value?.isReadOnly == false)
        var homeless = settings
        homeless.home = nil
        #expect(reader(folder).read(homeless).home.volume == .absent)
    }

    @Test func `A file is read no further than its bound, and a pipe is not waited for`() throws {
        let folder = try Folder()
        try folder.write("long", String(repeating: "x", count: 100_000))
        mkfifo("\(folder.path)/pipe", 0o600)
        let files = HostFiles(root: folder.path)
        #expect(files.read("/long").value?.count == 1 << 16)
        #expect(files.read("/long", limit: 7).value?.count == 7)
        #expect(files.read("/pipe") == .known([]))
        #expect(files.read("/none") == .absent)
        for number in 0..<300 { try folder.write("many/\(number)", "") }
        #expect(files.names("/many").value?.count == 256)
    }

    @Test func `A socket answers while somebody listens`() throws {
        let folder = try Folder()
        let descriptor = try folder.bindSocket("s")
        let probes = KernelProbes()
        #expect(probes.answers("\(folder.path)/s") == .known(false))
        #expect(listen(descriptor, 1) == 0)
        // Also with a full queue.
        for _ in 0..<4 { #expect(probes.answers("\(folder.path)/s") == .known(true)) }
        close(descriptor)
        #expect(probes.answers("\(folder.path)/s") == .known(false))
        #expect(probes.answers("\(folder.path)/none") == .absent)
        #expect(probes.answers("/" + String(repeating: "x", count: 200)) != .known(true))
    }

    @Test func `This host can be read, again and again, and nothing stays open`() {
        let before = HostFiles(root: "").names("/proc/self/fd").value?.count
        for _ in 0..<3 {
            let facts = HostFactsReader().read(Samples.settings)
            #expect(facts.process.capabilities.value != nil)
            #expect(facts.network.listeners.value != nil)
            #expect(HealthRegistry.examine(facts).count == HealthRegistry.checks.count)
        }
        // Other tests of this process open and close files meanwhile: far fewer than a leak of each probe would.
        let after = HostFiles(root: "").names("/proc/self/fd").value?.count
        #expect((after ?? 0) < (before ?? 0) + 40)
    }
}
