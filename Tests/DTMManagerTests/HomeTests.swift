import Glibc
import Testing

@testable import DTMManager

@Suite struct HomeTests {
    @Test func `makes its folders with mode 0700`() throws {
        let folder = try TemporaryFolder()
        let home = Home(path: "\(folder.path)/a/b/")
        try home.prepare()
        for path in home.folders {
            #expect(try FileFacts.read(path, followingLinks: false)?.permissions == 0o700)
        }
        try home.prepare()
    }

    @Test func `refuses a folder that others may write to, and says how to mend it`() throws {
        let folder = try TemporaryFolder()
        let home = Home(path: folder.path)
        try home.prepare()
        #expect(chmod(home.logs, 0o777) == 0)
        let error = #expect(throws: ManagerError.self) { try home.prepare() }
        #expect(error?.code == .homeUnusable)
        #expect(error?.hint == "chmod go-w \(home.logs)")
    }

    @Test func `refuses a path that is not absolute, and one that leads through a file`() throws {
        #expect(managerCode { try Home(path: "relative").prepare() } == .homeUnusable)
        #expect(managerCode { try Home(path: "/dev/null/home").prepare() } == .homeUnusable)
    }
}

@Suite struct ControlSocketTests {
    @Test func `a path where nobody answers is free, and what a killed manager left is replaced`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let socket = ControlSocket(path: path, mode: 0o600)
        try socket.checkFree()
        var stale: UnixListener? = try UnixListener(path: path)
        _ = stale
        stale = nil
        try socket.checkFree()
        let listener = try UnixListener(path: socket.temporaryPath)
        let published = try socket.publish()
        #expect(try FileFacts.read(path, followingLinks: false)?.permissions == 0o600)
        published.withdraw()
        #expect(try FileFacts.read(path, followingLinks: false) == nil)
        _ = listener
    }

    @Test func `a path where another manager answers is busy`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        let other = try UnixListener(path: path)
        #expect(managerCode { try ControlSocket(path: path, mode: 0o600).checkFree() } == .socketBusy)
        _ = other
    }

    @Test func `something that is not a socket is left alone`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/control.sock"
        mkdir(path, 0o700)
        #expect(managerCode { try ControlSocket(path: path, mode: 0o600).checkFree() } == .socketUnusable)
    }

    @Test func `a path that does not fit a socket address is refused by name`() {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        let error = #expect(throws: ManagerError.self) { try ControlSocket(path: path, mode: 0o600).checkFree() }
        #expect(error?.message.contains("107") == true)
    }

    @Test func `the socket of a later manager is not withdrawn`() throws {
        let folder = try TemporaryFolder()
        let socket = ControlSocket(path: "\(folder.path)/control.sock", mode: 0o600)
        let first = try UnixListener(path: socket.temporaryPath)
        let published = try socket.publish()
        let second = try UnixListener(path: socket.temporaryPath)
        _ = try socket.publish()
        published.withdraw()
        #expect(try FileFacts.read(socket.path, followingLinks: false) != nil)
        _ = (first, second)
    }
}
