/// How an attempt without an identity begins.
enum Opening: CaseIterable, Hashable, Sendable {
    /// Nothing is said.
    case silence
    /// A line of text, as a client of the application would send.
    case text
    /// A request of HTTP.
    case http
    /// Random bytes.
    case noise
    /// A TLS record that ends too early.
    case halfHello
    /// A record longer than TLS allows.
    case hugeRecord
    /// A whole TLS 1.3 handshake without a certificate.
    case noCertificate
    /// The same, with another application protocol.
    case otherProtocol
    /// The same, with a certificate of another authority.
    case foreignCertificate

    /// What is sent over a plain socket; nil for what takes a TLS client.
    func bytes(_ dice: inout Dice) -> [UInt8]? {
        switch self {
        case .silence: []
        case .text: Array("PING\r\n".utf8)
        case .http: Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        case .noise: (0..<48).map { _ in UInt8.random(in: .min ... .max, using: &dice) }
        case .halfHello: Self.firstHalf(&dice)
        case .hugeRecord: [0x17, 0x03, 0x03, 0xff, 0xff] + Array("PING\r\n".utf8)
        case .noCertificate, .otherProtocol, .foreignCertificate: nil
        }
    }

    /// A record that promises 508 bytes of ClientHello and holds fewer (RFC 8446, section 4.1.2).
    static func firstHalf(_ dice: inout Dice) -> [UInt8] {
        let random = (0..<64).map { _ in UInt8.random(in: .min ... .max, using: &dice) }
        return [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03] + random
    }

    /// Whether what a server sent back can't be TLS: then somebody else than the tunnel's end answered (RFC 8446, section
    /// 5.1: change_cipher_spec, alert, handshake, application_data).
    static func isForeign(_ answer: [UInt8]) -> Bool { answer.first.map { !(0x14...0x17).contains($0) } ?? false }
}
