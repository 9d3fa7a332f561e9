import Crypto
import DTMCore
import Synchronization

/// A leaf that passed every check that neither time nor revocation nor the expectation can change.
struct VettedLeaf: Sendable {
    let identity: SPIFFEID
    /// The identity as it is written, which revocations name.
    let identityText: String
    let role: PeerRole
    let tunnel: TunnelID
    let serial: SerialNumber
    let notBefore: Timestamp
    let notAfter: Timestamp
    /// The index of its authority in the trust bundle.
    let anchor: Int
}

/// Leaves that were vetted under one trust bundle, by the SHA-256 of their whole DER: the signature of a peer that
/// comes again is not computed again.
///
/// Only what passed is kept, so that strangers can't fill it. A hit says nothing about time or revocation: those are
/// looked at each time. Several event loops share one cache; the lock is held for a dictionary's operation.
final class VerificationCache: Sendable {
    static let capacity = 512

    private struct State {
        var leaves: [SHA256Digest: VettedLeaf] = [:]
        /// The digests in the order in which they came; a ring once it is full.
        var order: [SHA256Digest] = []
        var oldest = 0
    }

    private let state = Mutex(State())

    subscript(digest: SHA256Digest) -> VettedLeaf? {
        state.withLock { $0.leaves[digest] }
    }

    func insert(_ leaf: VettedLeaf, for digest: SHA256Digest) {
        state.withLock { state in
            guard state.leaves.updateValue(leaf, forKey: digest) == nil else { return }
            guard state.order.count == Self.capacity else {
                state.order.append(digest)
                return
            }
            state.leaves[state.order[state.oldest]] = nil
            state.order[state.oldest] = digest
            state.oldest = (state.oldest + 1) % Self.capacity
        }
    }

    var count: Int { state.withLock { $0.leaves.count } }
}
