/// One thing that a rule of a policy asks of whoever connects.
public enum PolicyTerm: Hashable, Sendable {
    /// `uid:1000`
    case uid(UInt32)
    /// `user:alice`, compared with the name that the host's account database gives for the uid.
    case user(String)
    /// `gid:1000`, the primary or a supplementary group.
    case gid(UInt32)
    /// `group:developers`, the primary or a supplementary group by name.
    case group(String)
    /// `any-local`: everyone on this host.
    case anyLocal
    /// `exe:/usr/bin/redis-cli`, the program's file as the kernel shows it: symbolic links resolved, and nothing else
    /// (`/proc/PID/exe`).
    case executable(AbsolutePath)
    /// `sha256:` and 64 hexadecimal digits: the content of the program's file.
    case hash(SHA256Value)
    /// `cgroup:/system.slice/foo.service`: this control group and those below it.
    case cgroup(AbsolutePath)
    /// `unit:redis.service`: the unit of the system's service manager.
    case unit(String)
    /// `spiffe://domain/path`: a client on another host, by the identity that it proves.
    case spiffe(SPIFFEID)

    /// What is allowed, for messages.
    public static let forms: String = {
        let forms = Prefix.allCases.filter { $0 != .anyLocal }.map(\.form)
        return forms.joined(separator: ", ") + " and \(Prefix.anyLocal.form)"
    }()

    /// Whether it asks for the program behind a connection, which only a connector that the manager hosts can tell for
    /// sure.
    public var needsProgram: Bool {
        switch self {
        case .executable, .hash, .cgroup, .unit: true
        case .uid, .user, .gid, .group, .anyLocal, .spiffe: false
        }
    }

    init(_ text: RuleText) throws(RuleError) {
        guard let prefix = Prefix(rawValue: text.prefix), (prefix == .anyLocal) == (text.value == nil) else {
            let nearest = NearestName.of(text.prefix, among: Prefix.allCases.map(\.rawValue))
            throw .unknown(
                text, forms: PolicyRule.forms, nearest: nearest.flatMap(Prefix.init(rawValue:))?.form)
        }
        try self.init(prefix, text)
    }

    private init(_ prefix: Prefix, _ text: RuleText) throws(RuleError) {
        let form = prefix.form
        switch prefix {
        case .uid: self = .uid(try text.number(form: form))
        case .user: self = .user(try text.accountName(form: form))
        case .gid: self = .gid(try text.number(form: form))
        case .group: self = .group(try text.accountName(form: form))
        case .executable: self = .executable(try text.executable(form: form))
        case .hash: self = .hash(try text.digest(form: form))
        case .cgroup: self = .cgroup(try text.cgroup(form: form))
        case .unit: self = .unit(try text.unit(form: form))
        case .spiffe: self = .spiffe(try text.spiffe(form: form))
        case .anyLocal: self = .anyLocal
        }
    }
}

extension PolicyTerm: CustomStringConvertible {
    /// The term as one would write it.
    public var description: String {
        switch self {
        case .uid(let uid): "uid:\(uid)"
        case .user(let name): "user:\(PercentCoding.encode(name))"
        case .gid(let gid): "gid:\(gid)"
        case .group(let name): "group:\(PercentCoding.encode(name))"
        case .anyLocal: "any-local"
        case .executable(let path): "exe:\(PercentCoding.encode(path.text, also: "*?"))"
        case .hash(let digest): "sha256:\(digest)"
        case .cgroup(let path): "cgroup:\(PercentCoding.encode(path.text, also: "*?"))"
        case .unit(let name): "unit:\(name)"
        case .spiffe(let identity): identity.description
        }
    }
}

extension PolicyTerm {
    /// What stands before the colon.
    enum Prefix: String, CaseIterable {
        case uid, user, gid, group
        case executable = "exe"
        case hash = "sha256"
        case cgroup, unit, spiffe
        case anyLocal = "any-local"

        var form: String {
            switch self {
            case .uid: "uid:N"
            case .user: "user:NAME"
            case .gid: "gid:N"
            case .group: "group:NAME"
            case .executable: "exe:/PATH"
            case .hash: "sha256:HEX"
            case .cgroup: "cgroup:/PATH"
            case .unit: "unit:NAME"
            case .spiffe: "spiffe://DOMAIN/PATH"
            case .anyLocal: "any-local"
            }
        }
    }

    var prefix: Prefix {
        switch self {
        case .uid: .uid
        case .user: .user
        case .gid: .gid
        case .group: .group
        case .anyLocal: .anyLocal
        case .executable: .executable
        case .hash: .hash
        case .cgroup: .cgroup
        case .unit: .unit
        case .spiffe: .spiffe
        }
    }
}
