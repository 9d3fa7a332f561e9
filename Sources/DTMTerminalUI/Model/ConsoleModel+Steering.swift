import DTMAPI
import DTMText

/// The keys that change something. Whatever cuts connections is asked about first.
extension ConsoleModel {
    mutating func steer(_ character: Character) -> [Effect] {
        guard "tTaApPrRX".contains(character) || ("du".contains(character) && isAmongResponses) else { return [] }
        if character == "P" {
            askForAnalysis()
            return []
        }
        guard maySteer else {
            refuse()
            return []
        }
        guard live.link.isLive else {
            fail("the manager is away", hint: "this console comes back with it by itself")
            return []
        }
        switch character {
        case "t", "T": return begin(.setAutoTunnel(!(live.status?.autoTunnel ?? false)))
        case "a" where isAmongResponses: askToApprove()
        case "a", "A": return begin(.setAnalysis(!(live.status?.analysis ?? false)))
        case "r": return rotateSubject()
        case "R": return rotateAll()
        case "d": askToDismiss()
        case "u": askToUndo()
        case "X": askToStopOrResume()
        default: return protectOrUnprotect()
        }
        return []
    }

    /// Says that it is under way, and has it done.
    mutating func begin(_ effect: Effect) -> [Effect] {
        if let progress = effect.progress { message = Message(kind: .progress, text: progress, hint: nil, until: nil) }
        return [effect]
    }

    private mutating func refuse() {
        options.isReadOnly
            ? fail("this console is read-only", hint: "start it without --read-only to change things")
            : fail("you may look, not change", hint: "ask whoever runs the manager, or join the group dtm")
    }

    mutating func fail(_ text: String, hint: String?) {
        message = Message(kind: .failed, text: text, hint: hint, until: now + .seconds(15))
    }

    /// Says that something did not come about.
    mutating func say(_ text: String) { fail(text, hint: nil) }

    private mutating func rotateSubject() -> [Effect] {
        guard let tunnel = subjectTunnel else {
            fail("nothing to rotate here", hint: "select a tunnel or an application behind one; Shift-R rotates all")
            return []
        }
        return begin(.rotate(tunnel.report.name))
    }

    private mutating func rotateAll() -> [Effect] {
        guard !live.tunnels.isEmpty else {
            fail("there is no tunnel to rotate", hint: "p protects the selected application")
            return []
        }
        return begin(.rotateAll)
    }

    private mutating func protectOrUnprotect() -> [Effect] {
        if let tunnel = subjectTunnel {
            askToUnprotect(tunnel)
            return []
        }
        guard case .app = subject, let app = subjectApp else {
            fail("nothing to protect here", hint: "select an application; 1 shows the list")
            return []
        }
        return protect(app.report)
    }

    private mutating func askToUnprotect(_ tunnel: TunnelEntry) {
        let name = tunnel.report.name
        let open = Int(tunnel.report.connections.active)
        dialog = .menu(
            .init(
                title: "Remove the tunnel \(shown(name))?",
                text: open == 0
                    ? ["No connection is open through it."]
                    : ["\(Quantity.count(open, "open connection")) through it will be cut."],
                choices: [
                    .init(label: "Keep it", effect: nil),
                    .init(label: open == 0 ? "Remove it" : "Remove it, cut them", effect: .unprotect(name)),
                ]))
    }

    private mutating func protect(_ app: AppReport) -> [Effect] {
        let targets = Self.targets(of: app)
        switch targets.count {
        case 0:
            fail(
                "\(shown(app.application)) listens on no TCP port", hint: "a tunnel needs a listener of an application")
            return []
        case 1: return begin(.protect(ProtectRequest(subject: targets[0])))
        default:
            dialog = .menu(
                .init(
                    title: "Protect which listener of \(shown(app.application))?",
                    choices: targets.prefix(9).map {
                        .init(label: $0, effect: .protect(ProtectRequest(subject: $0)))
                    } + [.init(label: "Back", effect: nil)]))
            return []
        }
    }

    /// What a tunnel could lead to: TCP listeners without one, each port once, at loopback where they are there.
    static func targets(of app: AppReport) -> [String] {
        var seen: Set<UInt16> = []
        let listeners = app.listeners.filter { $0.protocol.hasPrefix("tcp") && $0.tunnel == nil }
        let sorted = listeners.sorted { ($0.port, $0.protocol) < ($1.port, $1.protocol) }
        return sorted.filter { seen.insert($0.port).inserted }.map { listener in
            switch listener.address {
            case "0.0.0.0": "127.0.0.1:\(listener.port)"
            case "::": "[::1]:\(listener.port)"
            case let address where address.contains(":"): "[\(address)]:\(listener.port)"
            case let address: "\(address):\(listener.port)"
            }
        }
    }
}
