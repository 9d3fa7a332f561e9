import CDTMLinux
import DTMAPI
import Glibc
import Synchronization

/// What the tasks that talk to the manager have for the thread that draws.
enum ConsoleNews: Sendable {
    case update(LiveUpdate)
    case lost(String)
    case outcome(EffectOutcome)
}

/// Hands news to the thread that draws and wakes it: it waits in poll(2) for keys, so it is woken by a descriptor.
final class Mailbox: Sendable {
    private let news = Mutex<[ConsoleNews]>([])
    /// Readable when there is news; −1 where none could be had, and then news is seen at the next key or second.
    let descriptor: CInt

    init() { descriptor = dtm_eventfd() }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func put(_ item: ConsoleNews) {
        news.withLock { $0.append(item) }
        var one: UInt64 = 1
        if descriptor >= 0 { _ = write(descriptor, &one, MemoryLayout<UInt64>.size) }
    }

    /// Takes all that is there. Does not wait.
    func take() -> [ConsoleNews] {
        // First the descriptor: what is put after that makes it readable again.
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        var count: UInt64 = 0
        if descriptor >= 0, poll(&waiting, 1, 0) == 1 { _ = read(descriptor, &count, MemoryLayout<UInt64>.size) }
        return news.withLock { news in
            defer { news.removeAll(keepingCapacity: true) }
            return news
        }
    }
}
