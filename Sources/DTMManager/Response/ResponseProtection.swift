import DTMCore
import DTMPolicy
import DTMResponse
import Glibc

/// Says whom no response cuts off: root, whoever runs the manager, the manager itself, and whom the configuration names.
struct ResponseProtection: Sendable {
    let managerUID: UInt32
    /// The manager's own program; nil when it can't be told.
    let ownExecutable: String?
    let accounts: any AccountDirectory
    let connectors: ConnectorBook

    /// - Parameter subjects: Those that are asked about: an identity is protected when its holder is.
    func protected(_ rules: [ProtectedRule], among subjects: [ResponseSubject]) -> ProtectedSubjects {
        var protected = ProtectedSubjects(uids: [0, managerUID])
        for rule in rules {
            switch rule {
            case .uid(let uid): protected.uids.insert(uid)
            case .user(let name): if let uid = accounts.uid(named: name) { protected.uids.insert(uid) }
            case .executable(let path): protected.executables.insert(path.text)
            }
        }
        // An identity's holder is a connector, and so often this very program: that protects it from being stopped, not
        // everybody who connects from being kept out.
        for case .identity(let identity) in subjects where isProtected(identity, protected) {
            protected.identities.insert(identity)
        }
        if let ownExecutable { protected.executables.insert(ownExecutable) }
        return protected
    }

    private func isProtected(_ identity: String, _ protected: ProtectedSubjects) -> Bool {
        if let holder = connectors.holder(of: identity) {
            return protected.contains(.program(uid: holder.uid, executable: holder.executable))
        }
        guard let who = SPIFFEID(identity)?.segments.last else { return false }
        // The manager's own identities; and, after a restart, the user is still in the name.
        if who == "probe" || who.hasPrefix("hosted.") { return true }
        guard who.hasPrefix("uid-"), let uid = UInt32(who.dropFirst(4).prefix { $0 != "." }) else { return false }
        return protected.uids.contains(uid)
    }
}

/// The program that this process runs.
enum OwnExecutable {
    /// Nil when the kernel does not tell.
    static var path: String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("/proc/self/exe", $0.assumingMemoryBound(to: CChar.self), bytes.count) }
                ?? -1
        }
        return count > 0 ? String(validating: buffer.prefix(Int(count)), as: UTF8.self) : nil
    }
}
