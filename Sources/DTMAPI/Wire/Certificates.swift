/// `GET /v1/certificates`, `dtm certs list --json`.
public struct CertificateList: Codable, Hashable, Sendable {
    /// One certificate that this manager issued, or one of its authorities.
    public struct Entry: Codable, Hashable, Sendable {
        public var serial: String
        public var identity: String
        /// `authority`, `listener`, `probe` or `client`.
        public var role: String
        public var tunnel: String?
        /// RFC 3339.
        public var notBefore: String
        /// RFC 3339.
        public var notAfter: String
        /// `valid`, `expired` or `revoked`; an authority that is being replaced is `retiring`.
        public var status: String
        public init(
            serial: String, identity: String, role: String, tunnel: String?, notBefore: String, notAfter: String,
            status: String
        ) {
            self.serial = serial
            self.identity = identity
            self.role = role
            self.tunnel = tunnel
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.status = status
        }
    }
    public var schemaVersion = apiSchemaVersion
    public var trustDomain: String
    public var certificates: [Entry]
    public init(trustDomain: String, certificates: [Entry]) {
        self.trustDomain = trustDomain
        self.certificates = certificates
    }
}

/// `POST /v1/certificates/rotate`: new leaves for one tunnel or for all, or a new authority.
public struct CertificateRotateRequest: Codable, Hashable, Sendable {
    public var tunnel: String?
    public var authority: Bool
    public init(tunnel: String?, authority: Bool) {
        self.tunnel = tunnel
        self.authority = authority
    }
}

/// `POST /v1/certificates/revoke`: a serial number or a SPIFFE ID. Live connections under it are cut.
public struct CertificateRevokeRequest: Codable, Hashable, Sendable {
    public var subject: String
    public init(subject: String) { self.subject = subject }
}
