import DTMCore
import Synchronization

/// Which process asked for which identity: the process at the client's end of every connection under it.
///
/// Bounded: the one that was used longest ago gives way.
final class ConnectorBook: Sendable {
    /// Whoever asked for an identity.
    struct Holder: Hashable, Sendable {
        var uid: UInt32
        var userName: String?
        var pid: Int32?
        /// Nil when it could not be read.
        var executable: String?
    }

    private struct Entry {
        var holder: Holder
        var usedAt: UInt64
    }

    private struct Book {
        var entries: [String: Entry] = [:]
        var clock: UInt64 = 0
    }

    static let capacity = 8_192
    private let book = Mutex(Book())

    /// Notes whose an identity is; a renewal comes from the same process.
    func note(_ identity: SPIFFEID, _ holder: Holder) {
        book.withLock { book in
            book.clock += 1
            book.entries[identity.description] = Entry(holder: holder, usedAt: book.clock)
            guard book.entries.count > Self.capacity else { return }
            // A quarter at once: the search is as long as the book.
            let order = book.entries.values.map(\.usedAt).sorted()
            let limit = order[order.count / 4]
            book.entries = book.entries.filter { $0.value.usedAt > limit }
        }
    }

    /// The identities that were given to a program; to a user, when no executable is named.
    func identities(ofUID uid: UInt32, executable: String?) -> Set<String> {
        book.withLock { book in
            Set(
                book.entries.filter {
                    $0.value.holder.uid == uid && (executable == nil || $0.value.holder.executable == executable)
                }.keys)
        }
    }

    /// Nil for an identity that was not given out by this process, or that gave way.
    func holder(of identity: String) -> Holder? {
        book.withLock { book in
            guard book.entries[identity] != nil else { return nil }
            book.clock += 1
            book.entries[identity]?.usedAt = book.clock
            return book.entries[identity]?.holder
        }
    }
}
