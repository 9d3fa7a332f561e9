import Glibc
import Testing

@testable import DTMAPI

@Suite struct ControlSocketLocatorTests {
    private func failure(_ locator: ControlSocketLocator) -> ControlClientError.Code? {
        do {
            _ = try locator.locate()
            return nil
        } catch {
            return error.code
        }
    }

    /// A socket file that nobody listens at, as kill -9 leaves it.
    private func leaveSocket(at path: String) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0)
    }

    @Test func `A home that was named is the only place to look at`() {
        let locator = ControlSocketLocator(home: "/srv/x", environment: { _ in "/elsewhere" })
        #expect(locator.candidates == ["/srv/x/run/control.sock"])
    }

    @Test func `DTM_HOME comes first, then the system manager`() {
        let locator = ControlSocketLocator(home: nil, environment: { $0 == "DTM_HOME" ? "/srv/y" : nil })
        #expect(locator.candidates == ["/srv/y/run/control.sock", "/run/dtm/control.sock"])
    }

    @Test func `Without DTM_HOME it is .dtm in the user's home`() throws {
        let locator = ControlSocketLocator(home: nil, environment: { $0 == "HOME" ? "/nowhere" : nil })
        let first = try #require(locator.candidates.first)
        #expect(first.hasSuffix("/.dtm/run/control.sock"))
        #expect(locator.candidates.count == 2)
    }

    @Test func `A relative home is below the working directory`() {
        #expect(ControlSocketLocator(home: "x").candidates.first?.hasPrefix("/") == true)
    }

    @Test func `No socket means no manager, and how to start one`() async throws {
        try await TemporaryHome.with { home in
            let error = #expect(throws: ControlClientError.self) {
                _ = try ControlSocketLocator(home: home).locate()
            }
            #expect(error?.code == .noManager)
            #expect(error?.exitStatus == 69)
            #expect(error?.hint?.contains("dtm up") == true)
            #expect(error?.message.contains(home) == true)
        }
    }

    @Test func `The first that exists is taken`() async throws {
        try await TemporaryHome.with { home in
            let path = "\(home)/run/control.sock"
            leaveSocket(at: path)
            let found = try ControlSocketLocator(candidates: ["/nowhere/run/control.sock", path]).locate()
            #expect(found == path)
        }
    }

    @Test func `A directory that others may write to is not trusted`() async throws {
        try await TemporaryHome.with { home in
            leaveSocket(at: "\(home)/run/control.sock")
            chmod("\(home)/run", 0o777)
            #expect(failure(ControlSocketLocator(home: home)) == .untrusted)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `A socket or a directory of another user is not trusted`() async throws {
        try await TemporaryHome.with { home in
            leaveSocket(at: "\(home)/run/control.sock")
            #expect(lchown("\(home)/run/control.sock", 54_321, 54_321) == 0)
            #expect(failure(ControlSocketLocator(home: home)) == .untrusted)
            #expect(lchown("\(home)/run/control.sock", 0, 0) == 0)
            #expect(chown("\(home)/run", 54_321, 54_321) == 0)
            #expect(failure(ControlSocketLocator(home: home)) == .untrusted)
        }
    }

    @Test func `Something else than a socket is not trusted`() async throws {
        try await TemporaryHome.with { home in
            close(open("\(home)/run/control.sock", O_CREAT | O_WRONLY, 0o600))
            #expect(failure(ControlSocketLocator(home: home)) == .untrusted)
        }
    }

    @Test func `A path that no socket can have is a matter of usage`() {
        #expect(failure(ControlSocketLocator(home: "/" + String(repeating: "x", count: 120))) == .usage)
    }

    @Test func `A socket that kill -9 left behind says so`() async throws {
        try await TemporaryHome.with { home in
            leaveSocket(at: "\(home)/run/control.sock")
            let error = await #expect(throws: ControlClientError.self) {
                try await ControlClient.withClient(at: ControlSocketLocator(home: home)) { client in
                    _ = try await client.status()
                }
            }
            #expect(error?.code == .unreachable)
            #expect(error?.exitStatus == 69)
            #expect(error?.message.contains("nobody answers at \(home)") == true)
            #expect(error?.hint?.contains("dtm up") == true)
        }
    }
}
