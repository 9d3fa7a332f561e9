import DTMConfiguration
import DTMCore
import DTMPlan
import DTMPolicy
import DTMSecrets
import DTMTelemetry

/// Who asked for a tunnel.
enum TunnelOrigin: String, Hashable, Sendable {
    case configuration, api, auto
}

/// What is wanted of a tunnel.
struct TunnelDraft: Hashable, Sendable {
    /// As the configuration has it, or as it was asked for at run time.
    var configuration: TunnelConfiguration
    var policy = AdmissionPolicy.standard
    var origin: TunnelOrigin
    /// The user of the application behind it; nil while that is not known.
    var ownerUID: UInt32?
    /// The application's stable name, when it is one of this host.
    var application: String?

    var name: TunnelName { configuration.name }
    var target: Target { configuration.target }
}

/// One tunnel: what is wanted of it, the secrets that only control holds, and what the data plane reports.
struct TunnelRecord: Sendable {
    let id: TunnelID
    var draft: TunnelDraft
    var settings: TunnelSettings
    /// Counts forced rotations.
    var generation: UInt32 = 0
    /// What the window keys are derived from. It never leaves this process.
    var root: SharedSecret
    /// Counts roots.
    var keyGeneration: UInt64 = 1
    /// How many decoys are wanted instead of the policy's number, for as long as something calls for it.
    var raisedDecoys: UInt16?
    /// Where the bytes go, names resolved; nil until they have been.
    var destination: TargetPlan?
    /// Why the target's name has no address.
    var resolutionProblem: String?
    var observed = TunnelObservation()

    var name: TunnelName { draft.name }

    /// What is wrong with the target, in words.
    var problem: String? { resolutionProblem ?? observed.targetProblem }

    /// Its part of the plan; nil while there is no address to send bytes to.
    var plan: TunnelPlan? {
        destination.map { destination in
            TunnelPlan(
                id: id, schedule: settings.schedule, overlapMilliseconds: settings.overlapMilliseconds,
                generation: generation, target: destination, proxyProtocol: settings.proxyProtocol,
                limits: settings.limits, decoys: raisedDecoys ?? settings.decoys)
        }
    }
}

/// What the data plane has told about a tunnel.
struct TunnelObservation: Sendable {
    /// The live endpoint; nil before the first, and after the data plane was lost.
    var endpoint: Endpoint?
    var turn: ScheduleTurn?
    var nextAt: Timestamp?
    var listeners: [ListenerReport] = []
    var rotations: UInt64 = 0
    var rotationFailures: UInt64 = 0
    /// Why the last rotation did not happen; nil once one did.
    var lastFailure: RotationFailure?
    /// What earlier data planes counted.
    var before = TunnelCounters()
    /// What this one counts.
    var current = TunnelCounters()
    var targetProblem: String?
    var certificate: CertificateFigures?
    /// Of rotations, since the last performance record.
    var timings = DurationHistogram()
    /// Of all since the tunnel was made, whichever data plane it was.
    var durations = TunnelDurations()

    /// Totals since the tunnel was made.
    var counters: TunnelCounters {
        TunnelCounters(
            active: current.active, total: before.total &+ current.total, rejected: before.rejected &+ current.rejected,
            failed: before.failed &+ current.failed, bytesIn: before.bytesIn &+ current.bytesIn,
            bytesOut: before.bytesOut &+ current.bytesOut, decoys: current.decoys)
    }

    /// The data plane is gone, and its listeners and connections with it. Its totals stay.
    mutating func dataPlaneLost() {
        before = counters
        before.active = 0
        before.decoys = 0
        current = TunnelCounters()
        endpoint = nil
        nextAt = nil
        listeners = []
    }
}

/// How long things took since a tunnel was made.
struct TunnelDurations: Hashable, Sendable {
    var rotation = DurationHistogram()
    var handshake = DurationHistogram()
    var lifetime = DurationHistogram()
}

/// The listener's leaf, as reports show it.
struct CertificateFigures: Hashable, Sendable {
    var serial: SerialNumber
    var notBefore: Timestamp
    var notAfter: Timestamp
    var renewals: UInt64
}
