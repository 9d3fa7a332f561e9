import CDTMLinux
import DTMConfiguration
import DTMCore
import DTMNotify
import DTMSecrets
import Glibc

/// Where the keys that sign notifications are. Read anew for each attempt: a key that was exchanged is in force at once.
struct NotificationKeys: Sendable {
    let managerUID: UInt32
    /// `CREDENTIALS_DIRECTORY`; nil without it.
    let credentials: String?

    /// - Throws: ``NotifyError`` that says what is wrong with the file, never what is in it; `SecretsError`.
    func key(_ place: WebhookConfiguration.Key) throws -> SigningKey {
        switch place {
        // Its folder is the service manager's, which gives the group of the service access by other means.
        case .credential(let name):
            guard let credentials else {
                throw NotifyError(
                    .key, "there is no credential \(name): the service manager gave none",
                    hint: "LoadCredential=\(name):/etc/dtm/hook.key in the unit, or keyFile instead")
            }
            return try key(in: "\(credentials)/\(name)", closedTo: 0o007, "LoadCredential= gives it")
        case .file(let path):
            return try key(in: path.text, closedTo: 0o077, "chmod 600 \(path.text)")
        }
    }

    private func key(in path: String, closedTo others: mode_t, _ hint: String) throws -> SigningKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw NotifyError(.key, "\(path) can't be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var facts = dtm_file_facts()
        guard dtm_file_facts("/proc/self/fd/\(descriptor)", 1, &facts) == 0, facts.mode & S_IFMT == S_IFREG else {
            throw NotifyError(.key, "\(path) is no file")
        }
        guard facts.owner == 0 || facts.owner == managerUID, facts.mode & others == 0 else {
            throw NotifyError(
                .key,
                "\(path) is not private: it is to belong to the manager's user or root, and to be closed to others",
                hint: hint)
        }
        let room = SigningKey.maximumTextBytes + 1
        var count = 0
        let whole = try SecretBytes(count: room) { count = read(descriptor, $0.baseAddress, room) }
        guard (1..<room).contains(count) else {
            throw NotifyError(.key, "\(path) holds no key of 24 to 64 bytes in base64")
        }
        let text = try whole.prefix(count)
        return try SigningKey(text: text)
    }
}
