import DTMAPI
import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMModels
import DTMPolicy
import DTMSecrets
import DTMState
import FoundationEssentials

/// What of the manager survives a restart.
struct ManagerState: Sendable {
    /// A tunnel, with what makes it the same tunnel: its id, in its identity, and the root of its schedule.
    struct Tunnel: Sendable {
        var id: TunnelID
        var configuration: TunnelConfiguration
        var origin: TunnelOrigin
        var ownerUID: UInt32?
        var application: String?
        var generation: UInt32
        var keyGeneration: UInt64
        var root: SharedSecret
    }

    var tunnels: [Tunnel] = []
    var authorities: AuthoritySetRecord?
    var revocations = RevocationRecord()
    /// The configuration that an operator accepted, as a `config.json`; nil before the first start.
    var acceptedConfiguration: String?
    /// The operator's backup key, a transferable public key; nil without backups.
    var backupKey: [UInt8]?
    var audit = AuditTrail()
    /// The journal of responses; nil before the first.
    var responses: [UInt8]?
    /// What was found, and what the rules learnt; nil before the first save.
    var findings: FindingDesk.Memory?
    /// Which of the changes of the findings that is.
    var findingsChange: UInt64?
    /// Under which names models know the applications; nil before the first.
    var pseudonyms: PseudonymBook?
    /// What this version does not know of: kept as it is.
    private(set) var others = StateContent()

    init() {}
}

// MARK: Sections

extension ManagerState {
    enum Section {
        static let tunnels = "tunnels"
        static let tunnelConfigurations = "tunnels.configuration"
        static let authorities = "authorities"
        static let revocations = "revocations"
        static let configuration = "configuration.accepted"
        static let backupKey = StateContent.backupKeySection
        static let audit = "audit"
        static let responses = "responses.journal"
        static let findings = "findings.book"
        static let learnt = "findings.learnt"
        static let pseudonyms = "models.pseudonyms"
        static let roots = "tunnel.root/"
        static let authorityKeys = "authority.key/"
    }

    private struct TunnelRow: Codable {
        var id: String
        var name: String
        var origin: String
        var ownerUID: UInt32?
        var application: String?
        var generation: UInt32
        var keyGeneration: UInt64
    }

    private struct AuthorityRow: Codable {
        /// Base64 of the DER.
        var certificate: String
        var issuesFrom: Int64?
        var droppedAt: Int64?
    }

    private struct AuthorityRows: Codable {
        var trustDomain: String
        var issuing: AuthorityRow
        var successor: AuthorityRow?
        var retiring: [AuthorityRow]
    }

    private struct RevocationRows: Codable {
        struct Serial: Codable {
            var serial: String
            var notAfter: Int64
        }
        struct Identity: Codable {
            var identity: String
            var until: Int64?
        }
        var serials: [Serial]
        var identities: [Identity]
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return encoder
    }

    /// Puts it into sections.
    ///
    /// - Throws: What stands in the way of encoding.
    func content() throws -> StateContent {
        var content = others
        content.set(Section.tunnels, .bytes(try Array(Self.encoder.encode(tunnels.map(Self.row)))))
        // A place for tunnels alone: what bounds them is in the real configuration, which is checked at each start.
        var holder = Configuration.defaults
        holder.rotation.portRange = 1_024...65_535
        holder.limits.maximumTunnels = max(holder.limits.maximumTunnels, tunnels.count)
        holder.tunnels = tunnels.map(\.configuration)
        content.set(Section.tunnelConfigurations, .bytes(Array(holder.renderJSON(masked: false).utf8)))
        for tunnel in tunnels { content.set(Section.roots + tunnel.id.description, .secret(tunnel.root)) }
        if let authorities { try add(authorities, to: &content) }
        content.set(Section.revocations, .bytes(try Array(Self.encoder.encode(rows(revocations)))))
        content.set(Section.configuration, acceptedConfiguration.map { .bytes(Array($0.utf8)) })
        content.set(Section.backupKey, backupKey.map { .bytes($0) })
        content.set(Section.audit, .bytes(audit.encoded))
        content.set(Section.responses, responses.map { .bytes($0) })
        content.set(Section.pseudonyms, try pseudonyms.map { .bytes(try Array(Self.encoder.encode($0))) })
        let room = StateContent.maximumBytes - content.encodedCount - Self.findingsOverhead
        // What was found must never keep a tunnel or a key from being saved.
        if let findings, findings.book.count + findings.learnt.count <= room {
            content.set(Section.findings, .bytes(findings.book))
            content.set(Section.learnt, .bytes(findings.learnt))
        }
        return content
    }

    /// Of the names and lengths of two sections.
    private static let findingsOverhead = 64

    private static func row(_ tunnel: Tunnel) -> TunnelRow {
        TunnelRow(
            id: tunnel.id.description, name: tunnel.configuration.name.text, origin: tunnel.origin.rawValue,
            ownerUID: tunnel.ownerUID, application: tunnel.application, generation: tunnel.generation,
            keyGeneration: tunnel.keyGeneration)
    }

    private func add(_ record: AuthoritySetRecord, to content: inout StateContent) throws {
        func row(_ authority: AuthorityRecord) -> AuthorityRow {
            AuthorityRow(
                certificate: Base64.encode(authority.certificateDER), issuesFrom: authority.issuesFrom?.nanoseconds)
        }
        let rows = AuthorityRows(
            trustDomain: record.trustDomain, issuing: row(record.issuing), successor: record.successor.map(row),
            retiring: record.retiring.map {
                AuthorityRow(certificate: Base64.encode($0.certificateDER), droppedAt: $0.droppedAt.nanoseconds)
            })
        content.set(Section.authorities, .bytes(try Array(Self.encoder.encode(rows))))
        content.set(Section.authorityKeys + "issuing", .secret(record.issuing.key))
        content.set(Section.authorityKeys + "successor", record.successor.map { .secret($0.key) })
    }

    private func rows(_ record: RevocationRecord) -> RevocationRows {
        RevocationRows(
            serials: record.serials.map { .init(serial: $0.serial.description, notAfter: $0.notAfter.nanoseconds) },
            identities: record.identities.sorted { $0.key < $1.key }.map {
                .init(identity: $0.key, until: $0.value?.nanoseconds)
            })
    }

    // MARK: Reading

    /// - Throws: `state.unusable` when a section is not what it should be: a newer version wrote it, or it is broken.
    init(_ content: StateContent) throws(ManagerError) {
        do {
            try read(content)
        } catch let error as ManagerError {
            throw error
        } catch {
            throw Self.unusable("\((error as? any DescribedError)?.message ?? "\(error)")", error)
        }
    }

    private static func unusable(_ what: String, _ cause: (any Error)? = nil) -> ManagerError {
        ManagerError(
            .stateUnusable, "the sealed state opens, and can't be used: \(what)",
            hint: "use the version of DTM that wrote it, or go back: dtm state recover --generation N", cause: cause)
    }

    private mutating func read(_ content: StateContent) throws {
        others = content
        for name in content.sections.keys where Self.isOwn(name) { others.set(name, nil) }
        if let bytes = content.bytes(Section.tunnels) { tunnels = try Self.tunnels(bytes, content) }
        if let bytes = content.bytes(Section.authorities) { authorities = try Self.authorities(bytes, content) }
        if let bytes = content.bytes(Section.revocations) { revocations = try Self.revocations(bytes) }
        acceptedConfiguration = content.bytes(Section.configuration).map { String(decoding: $0, as: UTF8.self) }
        backupKey = content.bytes(Section.backupKey)
        responses = content.bytes(Section.responses)
        if let book = content.bytes(Section.findings), let learnt = content.bytes(Section.learnt) {
            findings = FindingDesk.Memory(book: book, learnt: learnt)
        }
        if let bytes = content.bytes(Section.pseudonyms) {
            pseudonyms = try JSONDecoder().decode(PseudonymBook.self, from: Data(bytes))
        }
        if let bytes = content.bytes(Section.audit) { audit = try AuditTrail(bytes) }
    }

    private static func isOwn(_ name: String) -> Bool {
        let own = [
            Section.tunnels, Section.tunnelConfigurations, Section.authorities, Section.revocations,
            Section.configuration, Section.backupKey, Section.audit, Section.responses,
            Section.findings, Section.learnt, Section.pseudonyms,
        ]
        return own.contains(name) || name.hasPrefix(Section.roots) || name.hasPrefix(Section.authorityKeys)
    }

    private static func tunnels(_ bytes: [UInt8], _ content: StateContent) throws -> [Tunnel] {
        let rows = try JSONDecoder().decode([TunnelRow].self, from: Data(bytes))
        let text = content.bytes(Section.tunnelConfigurations) ?? Array("{}".utf8)
        let configurations = try Configuration.parse(text, source: "the state's tunnels").tunnels
        return try rows.map { row in
            guard let id = TunnelID(row.id), let origin = TunnelOrigin(rawValue: row.origin),
                let configuration = configurations.first(where: { $0.name.text == row.name }),
                let root = content.secret(Section.roots + row.id), root.bytes.count == 32
            else { throw unusable("the tunnel \(printable(row.name)) is not whole") }
            return Tunnel(
                id: id, configuration: configuration, origin: origin, ownerUID: row.ownerUID,
                application: row.application, generation: row.generation, keyGeneration: row.keyGeneration, root: root)
        }
    }

    private static func authorities(_ bytes: [UInt8], _ content: StateContent) throws -> AuthoritySetRecord {
        let rows = try JSONDecoder().decode(AuthorityRows.self, from: Data(bytes))
        func record(_ row: AuthorityRow, _ name: String) throws -> AuthorityRecord {
            guard let der = Base64.decode(row.certificate), let key = content.secret(Section.authorityKeys + name)
            else {
                throw unusable("the \(name) authority is not whole")
            }
            return AuthorityRecord(
                certificateDER: der, key: key, issuesFrom: row.issuesFrom.map { Timestamp(nanoseconds: $0) })
        }
        let retiring = try rows.retiring.map { row in
            guard let der = Base64.decode(row.certificate), let droppedAt = row.droppedAt else {
                throw unusable("a retired authority is not whole")
            }
            return try AuthoritySet.Retired(certificateDER: der, droppedAt: Timestamp(nanoseconds: droppedAt))
        }
        return AuthoritySetRecord(
            trustDomain: rows.trustDomain, issuing: try record(rows.issuing, "issuing"),
            successor: try rows.successor.map { try record($0, "successor") }, retiring: retiring)
    }

    private static func revocations(_ bytes: [UInt8]) throws -> RevocationRecord {
        let rows = try JSONDecoder().decode(RevocationRows.self, from: Data(bytes))
        return RevocationRecord(
            serials: try rows.serials.map { row in
                guard let serial = SerialNumber(row.serial) else { throw unusable("a revocation is not whole") }
                return .init(serial: serial, notAfter: Timestamp(nanoseconds: row.notAfter))
            },
            identities: rows.identities.reduce(into: [:]) { identities, row in
                identities[row.identity] = .some(row.until.map { Timestamp(nanoseconds: $0) })
            })
    }
}
