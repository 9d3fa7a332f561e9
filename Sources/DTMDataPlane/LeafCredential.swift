import DTMCertificates
import DTMCore
import DTMTunnel

/// One of a tunnel's two leaf keys, with the certificate that control issued for it. The key never leaves this process.
struct LeafCredential {
    private(set) var key: LeafKey
    /// Nil until the first certificate came.
    private(set) var credential: TunnelCredential?
    /// When to ask for the next certificate; nil while one is asked for.
    private(set) var renewAt: Timestamp?

    init() throws { key = try LeafKey() }

    /// A fresh key, and the request for it. The present certificate stays in use until the new one comes.
    mutating func request() throws -> [UInt8] {
        let next = try LeafKey()
        let request = try next.certificateRequest()
        key = next
        renewAt = nil
        return request
    }

    /// Takes a certificate of the key that was last asked for.
    mutating func adopt(chain: [[UInt8]], renewAt: Timestamp) {
        credential = TunnelCredential(chain: chain, signer: LeafSigner(key: key))
        self.renewAt = renewAt
    }
}
