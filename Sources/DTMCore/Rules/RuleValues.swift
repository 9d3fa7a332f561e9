/// The values of terms, each read with its bounds.
extension RuleText {
    /// The longest name of a user or group in bytes (`LOGIN_NAME_MAX` of `limits.h`, without its terminating zero).
    static let maximumNameBytes = 255

    /// The id −1 means "none" to the kernel (`chown(2)`, `setreuid(2)`), so no one has it.
    func number(form: String) throws(RuleError) -> UInt32 {
        guard let value, (1...10).contains(value.utf8.count), value.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt32(value), number != .max
        else { throw .badValue(self, form: form, allowed: "a decimal number from 0 to 4294967294") }
        return number
    }

    /// The name of a user or a group.
    func accountName(form: String) throws(RuleError) -> String {
        guard let name = value.flatMap({ PercentCoding.decode($0) }), Self.isAccountName(name) else {
            throw .badValue(
                self, form: form,
                allowed: "1 to \(Self.maximumNameBytes) printable characters without spaces, ':', '/' and ',', "
                    + "'+' written %2B and '%' written %25")
        }
        return name
    }

    private static func isAccountName(_ name: String) -> Bool {
        (1...maximumNameBytes).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { scalar in
                !scalar.properties.isWhitespace && !scalar.isInvisible && !":/,".unicodeScalars.contains(scalar)
            }
    }

    /// A file's path. The kernel marks one whose file was removed by ` (deleted)` at its end (`proc_pid_exe(5)`).
    func executable(form: String) throws(RuleError) -> AbsolutePath {
        guard let path = path(), path.text != "/", !path.text.hasSuffix(" (deleted)") else {
            throw .badValue(
                self, form: form,
                allowed:
                    "an absolute path without '.', '..' and empty parts, at most \(AbsolutePath.maximumBytes) bytes, "
                    + "symbolic links resolved; '+' is written %2B, '%' %25, and '*' and '?', which stand for nothing "
                    + "else, %2A and %3F")
        }
        return path
    }

    /// A path in the cgroup hierarchy. The root is refused: everything lies below it.
    func cgroup(form: String) throws(RuleError) -> AbsolutePath {
        guard let path = path(), path.text != "/" else {
            throw .badValue(
                self, form: form,
                allowed: "an absolute path as /proc/PID/cgroup shows it, other than /, at most "
                    + "\(AbsolutePath.maximumBytes) bytes; '+' is written %2B and '%' %25")
        }
        return path
    }

    private func path() -> AbsolutePath? {
        guard let value, !value.utf8.contains(UInt8(ascii: "*")), !value.utf8.contains(UInt8(ascii: "?")) else {
            return nil
        }
        return PercentCoding.decode(value).flatMap(AbsolutePath.init)
    }

    func digest(form: String) throws(RuleError) -> SHA256Value {
        guard let value, let digest = SHA256Value(value) else {
            throw .badValue(self, form: form, allowed: "64 hexadecimal digits, as sha256sum prints them")
        }
        return digest
    }

    /// The name of a systemd unit that processes run in (`systemd.unit(5)`).
    func unit(form: String) throws(RuleError) -> String {
        let endings = [".service", ".scope", ".socket", ".mount", ".swap"]
        guard let unit = value.flatMap({ PercentCoding.decode($0) }), (1...255).contains(unit.utf8.count),
            unit.utf8.allSatisfy(Self.isUnitByte), let ending = endings.first(where: unit.hasSuffix), unit != ending
        else {
            throw .badValue(
                self, form: form,
                allowed:
                    "a unit's full name that ends in \(endings.joined(separator: ", ")), at most 255 letters, digits, "
                    + "':', '-', '_', '.', '\\' and '@'; for a slice write cgroup:/PATH")
        }
        return unit
    }

    private static func isUnitByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || ":-_.\\@".utf8.contains(byte)
    }

    func spiffe(form: String) throws(RuleError) -> SPIFFEID {
        guard let identity = SPIFFEID(term) else {
            throw .badValue(
                self, form: form,
                allowed: "a SPIFFE ID with a path: letters, digits, '.', '-' and '_', the domain's letters lower-case")
        }
        return identity
    }
}
