import DTMCore
import NIOCore
public import NIOSSL

/// The TLS settings of a tunnel: TLS 1.3 only, both sides authenticated, a hybrid post-quantum key exchange first.
public enum TunnelTLS {
    /// The protocol name in ALPN (RFC 7301). A peer that speaks another one is cut off.
    public static let applicationProtocol = "dtm/1"

    /// A context for listeners.
    ///
    /// Session tickets of one context mean nothing to another: a new context is made whenever a credential or the trust
    /// changes, and at each rotation, so that an old ticket falls back to a full handshake.
    ///
    /// - Throws: what NIOSSL throws for a chain that it can't read.
    public static func serverContext(_ credential: TunnelCredential) throws -> NIOSSLContext {
        try serverContext(credential.chain, privateKey(signingWith: credential.signer))
    }

    /// The same with any private key.
    package static func serverContext(_ chain: [[UInt8]], _ key: NIOSSLPrivateKeySource) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: try certificates(chain), privateKey: key, trustRoots: .certificates([]))
        harden(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    /// A context for clients.
    ///
    /// - Throws: what NIOSSL throws for a chain that it can't read.
    public static func clientContext(_ credential: TunnelCredential) throws -> NIOSSLContext {
        try clientContext(credential.chain, privateKey(signingWith: credential.signer))
    }

    /// The same with any private key.
    package static func clientContext(_ chain: [[UInt8]], _ key: NIOSSLPrivateKeySource) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = try certificates(chain)
        configuration.privateKey = key
        configuration.trustRoots = .certificates([])
        harden(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    /// Peers are judged by a ``PeerAuthenticator`` alone: NIOSSL's own check would use the wall clock, which anyone
    /// with the right may set, and knows nothing of SPIFFE IDs. `noHostnameVerification` makes both sides show a
    /// certificate and calls us.
    private static func harden(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        configuration.certificateVerification = .noHostnameVerification
        configuration.applicationProtocols = [applicationProtocol]
        configuration.curves = [.x25519_MLKEM768, .x25519]
        configuration.signingSignatureAlgorithms = [.ecdsaSecp256R1Sha256]
        configuration.verifySignatureAlgorithms = [.ecdsaSecp256R1Sha256]
        configuration.shutdownTimeout = .seconds(5)
        configuration.renegotiationSupport = .none
    }

    private static func certificates(_ chain: [[UInt8]]) throws -> [NIOSSLCertificateSource] {
        try chain.map { .certificate(try NIOSSLCertificate(bytes: $0, format: .der)) }
    }

    /// A key that the TLS library asks for signatures and never holds.
    package static func privateKey(signingWith signer: any HandshakeSigner) -> NIOSSLPrivateKeySource {
        .privateKey(NIOSSLPrivateKey(customPrivateKey: OpaquePrivateKey(signer: signer)))
    }
}

/// Lets the TLS library sign without ever holding the key.
private final class OpaquePrivateKey: NIOSSLCustomPrivateKey, Hashable {
    private let signer: any HandshakeSigner

    init(signer: any HandshakeSigner) { self.signer = signer }

    var signatureAlgorithms: [SignatureAlgorithm] { [.ecdsaSecp256R1Sha256] }

    func sign(channel: any Channel, algorithm: SignatureAlgorithm, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        do {
            let signature = try signer.signature(over: Array(data.readableBytesView))
            return channel.eventLoop.makeSucceededFuture(ByteBuffer(bytes: signature))
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func decrypt(channel: any Channel, data: ByteBuffer) -> EventLoopFuture<ByteBuffer> {
        channel.eventLoop.makeFailedFuture(TunnelError.unsupportedKeyOperation)
    }

    static func == (left: OpaquePrivateKey, right: OpaquePrivateKey) -> Bool { left === right }

    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
