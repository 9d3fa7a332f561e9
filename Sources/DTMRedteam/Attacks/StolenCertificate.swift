import DTMAPI
import DTMCertificates
import NIOSSL

typealias TLSContext = NIOSSLContext

/// A client's own certificate with its key, as somebody holds them who took both from a client: asked for over the
/// attacker's standard output, and handed back once it has expired.
struct StolenCertificate {
    /// What the other end says when the certificate has expired.
    struct Answer: Codable, Hashable {
        /// DER, base64, the leaf first.
        var chain: [String]
        /// Where to use it.
        var place: String
    }

    let key: LeafKey
    let chain: [[UInt8]]
    let place: String

    init() throws {
        key = try LeafKey()
        guard Attacker.say(.request(Base64.encode(try key.certificateRequest()))), let line = readLine() else {
            throw RedteamError(.process, "nobody signed a certificate for the attacker")
        }
        let answer = try APIJSON.decode(Answer.self, from: line.utf8)
        chain = answer.chain.compactMap(Base64.decode)
        place = answer.place
    }
}
