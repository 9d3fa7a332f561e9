import Glibc
import Testing

@testable import DTMCommands

@Suite struct OutputTests {
    private func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [0, 0]
        try #require(Glibc.pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test func `Lines are written at once`() throws {
        let ends = try pipe()
        defer { close(ends.read) }
        defer { close(ends.write) }
        try Output(descriptor: ends.write, style: .plain).lines(["a", "b"])
        var buffer = [UInt8](repeating: 0, count: 10)
        #expect(read(ends.read, &buffer, buffer.count) == 4)
        #expect(buffer.prefix(4).elementsEqual("a\nb\n".utf8))
    }

    @Test func `A reader that went away is no error of ours`() throws {
        // NIO and the test runner may or may not have done it already.
        signal(SIGPIPE, SIG_IGN)
        let ends = try pipe()
        close(ends.read)
        defer { close(ends.write) }
        #expect(throws: Output.Closed.self) { try Output(descriptor: ends.write, style: .plain).lines(["a"]) }
    }

    @Test func `A full disk is an error`() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        #expect(throws: Output.Failed.self) { try Output(descriptor: full, style: .plain).lines(["a"]) }
    }

    @Test func `A pipe is not a terminal`() throws {
        let ends = try pipe()
        defer { close(ends.read) }
        defer { close(ends.write) }
        #expect(TextStyle.suiting(descriptor: ends.write, environment: { _ in nil }) == .plain)
    }

    @Test(arguments: [
        ([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false),
        (["TERM": "xterm"], true),
    ])
    func `A terminal has a width, and colours unless they are unwanted`(environment: [String: String], colours: Bool)
        throws
    {
        var ends: (Int32, Int32) = (0, 0)
        var size = winsize(ws_row: 24, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0)
        try #require(openpty(&ends.0, &ends.1, nil, nil, &size) == 0)
        defer { close(ends.0) }
        defer { close(ends.1) }
        let style = TextStyle.suiting(descriptor: ends.1) { environment[$0] }
        #expect(style == TextStyle(width: 77, hasColour: colours))
    }
}
