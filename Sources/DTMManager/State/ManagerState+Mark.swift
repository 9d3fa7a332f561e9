import DTMCertificates
import DTMConfiguration
import DTMCore
import DTMModels
import DTMState

extension ManagerState {
    /// What tells one state from another, without its secrets and without encoding it: which they are follows from the
    /// generations of tunnels and the certificates of authorities.
    struct Mark: Equatable {
        struct Tunnel: Equatable {
            var id: TunnelID
            var configuration: TunnelConfiguration
            var origin: TunnelOrigin
            var ownerUID: UInt32?
            var application: String?
            var generation: UInt32
            var keyGeneration: UInt64
        }

        struct Authority: Equatable {
            var certificateDER: [UInt8]
            var issuesFrom: Timestamp?
        }

        var tunnels: [Tunnel]
        var trustDomain: String?
        /// The one that issues, and the one that will.
        var authorities: [Authority]
        var retiring: [AuthoritySet.Retired]
        var revocations: RevocationRecord
        var acceptedConfiguration: String?
        var backupKey: [UInt8]?
        /// The number of the next entry: entries never change.
        var nextAudit: UInt64
        var responses: [UInt8]?
        var findings: UInt64?
        var pseudonyms: PseudonymBook?
    }

    var mark: Mark {
        Mark(
            tunnels: tunnels.map {
                Mark.Tunnel(
                    id: $0.id, configuration: $0.configuration, origin: $0.origin, ownerUID: $0.ownerUID,
                    application: $0.application, generation: $0.generation, keyGeneration: $0.keyGeneration)
            },
            trustDomain: authorities?.trustDomain,
            authorities: [authorities?.issuing, authorities?.successor].compactMap(\.self).map {
                Mark.Authority(certificateDER: $0.certificateDER, issuesFrom: $0.issuesFrom)
            },
            retiring: authorities?.retiring ?? [], revocations: revocations,
            acceptedConfiguration: acceptedConfiguration, backupKey: backupKey, nextAudit: audit.next,
            responses: responses, findings: findingsChange, pseudonyms: pseudonyms)
    }
}
