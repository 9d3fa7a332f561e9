import DTMAPI
import DTMCore
import DTMSecrets
import DTMText

/// Asks the manager for what the keys want, each call in a task of its own, and puts what came of it into the mailbox.
struct EffectRunner: Sendable {
    let client: ControlClient
    let mailbox: Mailbox
    /// ` --home DIR` for the commands that are suggested.
    var suffix = ""

    /// Ends when the effects do or its task is cancelled.
    func run(_ calls: AsyncStream<ConsoleCall>) async {
        await withDiscardingTaskGroup { group in
            for await call in calls {
                group.addTask {
                    mailbox.put(.outcome(EffectOutcome(effect: call.effect, value: await value(of: call))))
                }
            }
            group.cancelAll()
        }
    }

    private func value(of call: ConsoleCall) async -> EffectOutcome.Value {
        do {
            return try await perform(call.effect, call.passphrase)
        } catch let error as ControlClientError where error.code == .passphraseNeeded {
            return .passphraseNeeded
        } catch let error as ControlClientError {
            return .failed(message: error.message, hint: error.hint)
        } catch {
            return .failed(message: "\(error)", hint: nil)
        }
    }

    private func perform(_ effect: Effect, _ passphrase: SharedSecret?) async throws -> EffectOutcome.Value {
        switch effect {
        case .protect(let request):
            let answer = try await client.protect(request)
            return protected(answer)
        case .unprotect(let name):
            let answer = try await client.unprotect(name, passphrase: passphrase)
            return .said("the tunnel \(answer.removed) is gone")
        case .rotate(let name): return rotated(try await client.rotate(name))
        case .rotateAll: return rotated(try await client.rotateAll())
        case .setAutoTunnel(let enabled):
            let answer = try await client.setAutoTunnel(enabled: enabled, passphrase: passphrase)
            return .said(
                answer.enabled
                    ? "auto-tunnel is on: what listens on this machine alone gets a tunnel"
                    : "auto-tunnel is off: tunnels that stand stay")
        case .setAnalysis(let enabled):
            let answer = try await client.setAnalysis(enabled: enabled)
            return .said(
                answer.enabled
                    ? "analysis is on: what is usual is learnt from now on"
                    : "analysis is off: nothing is learnt; rules go on")
        case .dismiss(let id):
            let finding = try await client.dismissFinding(id)
            return .said("dismissed: \(finding.title)")
        case .decide(let decision, let id):
            let entry = try await client.decide(decision, id, passphrase: passphrase)
            return .said("\(entry.id): \(entry.rung) of \(entry.subject) is \(entry.state)")
        case .stopResponses:
            _ = try await client.stopResponses(passphrase: passphrase)
            return .said("responses are stopped: everything is taken back, and nothing acts before X resumes them")
        case .resumeResponses:
            let list = try await client.resumeResponses()
            return .said("responses act again, in the mode \(list.mode)")
        case .loadAnalysis(let name): return .analysis(try await client.analysis(of: name))
        case .loadDoctor: return .doctor(try await client.doctor())
        case .loadCertificates: return .certificates(try await client.certificates())
        case .confirm, .suspend, .redraw, .end: return .said("")
        }
    }

    private func protected(_ answer: ProtectAnswer) -> EffectOutcome.Value {
        let name = shellQuoted(answer.tunnel.name)
        let use = [
            "Use it, from any program of this host:", "  dtm connect \(name) --listen 127.0.0.1:PORT\(suffix)",
            "and talk to that port instead.",
        ]
        return .notice(
            title: "\(answer.tunnel.name) is behind a tunnel",
            text: use + (answer.notes.isEmpty ? [] : [""]) + answer.notes)
    }

    private func rotated(_ answer: RotateAnswer) -> EffectOutcome.Value {
        let failures = answer.rotations.filter { $0.failure != nil }
        if let first = failures.first {
            return .failed(
                message: "\(Quantity.count(failures.count, "tunnel")) did not rotate: \(first.tunnel): "
                    + (first.failure ?? ""), hint: "the old endpoint stays live; it is tried again at the next turn")
        }
        guard answer.rotations.count == 1, let only = answer.rotations.first else {
            return .said("\(Quantity.count(answer.rotations.count, "tunnel")) rotated")
        }
        return .said("\(only.tunnel) rotated" + (only.endpoint.map { " to \($0.host):\($0.port)" } ?? ""))
    }
}
