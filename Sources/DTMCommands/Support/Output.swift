import DTMAPI
import DTMText
import Glibc

/// Where a command prints to. Each call is written out at once, by `write(2)`.
package struct Output: Sendable {
    /// Nobody reads any more: the program ends quietly, as one that SIGPIPE ends.
    package struct Closed: Error {}

    /// The output could not be written, as on a full disk.
    package struct Failed: Error, CustomStringConvertible {
        let code: Int32
        package var description: String { "the output could not be written: \(String(cString: strerror(code)))" }
    }

    package let style: TextStyle
    private let descriptor: Int32

    package init(descriptor: Int32, style: TextStyle) {
        self.descriptor = descriptor
        self.style = style
    }

    package static func standard() -> Self {
        Self(descriptor: STDOUT_FILENO, style: .suiting(descriptor: STDOUT_FILENO))
    }

    package static func standardError() -> Self {
        Self(descriptor: STDERR_FILENO, style: .suiting(descriptor: STDERR_FILENO))
    }

    package func lines(_ lines: [String]) throws {
        guard !lines.isEmpty else { return }
        try write(lines.joined(separator: "\n") + "\n")
    }

    /// One object on one line.
    package func json(_ value: some Encodable) throws {
        try lines([shownJSON(String(decoding: try APIJSON.encode(value), as: UTF8.self))])
    }

    /// As it is, without a line feed behind it: what draws on a terminal.
    func drawing(_ text: String) throws { try write(text) }

    private func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0 {
                    try recover(errno)
                } else {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                }
            }
        }
    }

    private func recover(_ code: Int32) throws {
        switch code {
        case EINTR: return
        case EAGAIN:
            // Somebody made the terminal or pipe non-blocking: wait until it takes more.
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&waiting, 1, -1)
        case EPIPE: throw Closed()
        default: throw Failed(code: code)
        }
    }
}
