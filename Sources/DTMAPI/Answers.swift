/// The answer to `DELETE /v1/tunnels/NAME`, `dtm unprotect --json`.
public struct RemovedAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// The name of the tunnel that is gone.
    public var removed: String
    public init(removed: String) { self.removed = removed }
}

/// `GET /v1/events` without `follow`: what the manager still remembers, oldest first.
public struct EventList: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    public var events: [EventReport]
    public init(events: [EventReport]) { self.events = events }
}

/// The answer to `POST /v1/certificates/rotate` and `POST /v1/certificates/revoke`.
public struct CertificateChangeAnswer: Codable, Hashable, Sendable {
    public var schemaVersion = apiSchemaVersion
    /// After a rotation the new certificates, after a revocation the revoked ones.
    public var certificates: [CertificateList.Entry]
    /// What the user should know, as how many live connections were cut.
    public var notes: [String]
    public init(certificates: [CertificateList.Entry], notes: [String]) {
        self.certificates = certificates
        self.notes = notes
    }
}
