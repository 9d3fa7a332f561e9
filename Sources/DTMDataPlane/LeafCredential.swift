import DTMCertificates
import DTMCore
import DTMTunnel
import NIOSSL

/// One of a tunnel's two leaf keys, with the certificate that control issued for it. The key never leaves this process.
struct LeafCredential {
    /// How long after a request without an answer it is made again.
    private static let patience = Duration.seconds(10)

    /// The key whose certificate was asked for and has not come.
    private var pending: LeafKey?
    /// Nil until the first certificate came.
    private(set) var credential: TunnelCredential?
    /// When to ask for the next certificate.
    private(set) var renewAt: Timestamp?

    /// A request for a fresh key's certificate. The present certificate stays in use until the new one comes. A request
    /// that is made again is for the same key, so that the answer to the first one is still good.
    mutating func request(now: Timestamp) throws -> [UInt8] {
        let key = try pending ?? LeafKey()
        pending = key
        renewAt = now + Self.patience
        return try key.certificateRequest()
    }

    /// Takes the certificate of the key that was asked for. False for that of any other key: a listener that showed it
    /// could not prove that it is its own.
    mutating func adopt(chain: [[UInt8]], renewAt: Timestamp) -> Bool {
        guard let key = pending, Self.publicKey(of: chain) == key.publicKeyDER else { return false }
        credential = TunnelCredential(chain: chain, signer: LeafSigner(key: key))
        pending = nil
        self.renewAt = renewAt
        return true
    }

    private static func publicKey(of chain: [[UInt8]]) -> [UInt8]? {
        guard let leaf = chain.first, let certificate = try? NIOSSLCertificate(bytes: leaf, format: .der) else {
            return nil
        }
        return try? certificate.extractPublicKey().toSPKIBytes()
    }
}
