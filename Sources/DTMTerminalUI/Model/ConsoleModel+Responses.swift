import DTMAPI
import DTMText

/// The keys for what is done about findings. Each asks first, and what Enter takes then is to leave things as they are.
extension ConsoleModel {
    /// What these keys act on: the response that was selected or gone into, or those about the finding that was.
    var subjectResponses: [ResponseList.Entry] {
        switch subject {
        case .response(let id): data.response(id).map { [$0] } ?? []
        case .finding: subjectFinding.map { data.responses(about: $0) } ?? []
        default: []
        }
    }

    /// Those of them that wait for a person.
    var approvable: [ResponseList.Entry] { subjectResponses.filter(\.isPending) }
    /// Those of them that are in force and can be taken back.
    var undoable: [ResponseList.Entry] { subjectResponses.filter { $0.state == "active" } }

    /// Whether the keys of responses mean something where one is.
    var isAmongResponses: Bool {
        switch subject {
        case .response, .finding: true
        default: screen == .findings && details.isEmpty
        }
    }

    mutating func askToApprove() {
        let waiting = approvable
        guard let first = waiting.first else {
            return fail(
                "nothing waits for an approval here", hint: "select a response that waits, or a finding that has one")
        }
        let text = waiting.count == 1 ? Self.words(about: first) : [Self.title(of: subjectFinding)]
        dialog = .menu(
            .init(
                title: waiting.count == 1 ? "Have it done?" : "Have which of them done?", text: text,
                choices: [.init(label: waiting.count == 1 ? "Leave it waiting" : "Leave them waiting", effect: nil)]
                    + waiting.prefix(8).map {
                        .init(label: "Approve \(Self.name(of: $0))", effect: .decide(.approve, $0.id))
                    }))
    }

    mutating func askToUndo() {
        let active = undoable
        guard let first = active.first else {
            return fail("nothing is in force here", hint: "select a response in force, or a finding that has one")
        }
        let text = active.count == 1 ? Self.words(about: first) : [Self.title(of: subjectFinding)]
        dialog = .menu(
            .init(
                title: active.count == 1 ? "Take it back?" : "Take back which of them?", text: text,
                choices: [.init(label: active.count == 1 ? "Leave it in force" : "Leave them in force", effect: nil)]
                    + active.prefix(8).map {
                        .init(label: "Take back \(Self.name(of: $0))", effect: .decide(.undo, $0.id))
                    }))
    }

    mutating func askToDismiss() {
        if let finding = subjectFinding { return askToDismiss(finding) }
        guard let response = approvable.first else {
            return fail("this is in force: there is nothing to dismiss", hint: "u takes it back")
        }
        dialog = .menu(
            .init(
                title: "Put the proposal away?", text: Self.words(about: response),
                choices: [
                    .init(label: "Keep it", effect: nil),
                    .init(label: "Dismiss \(Self.name(of: response))", effect: .decide(.dismiss, response.id)),
                ]))
    }

    private mutating func askToDismiss(_ finding: FindingReport) {
        dialog = .menu(
            .init(
                title: "Is it no threat?",
                text: [
                    shown(finding.title),
                    "It is hidden until it is seen again with a higher risk than \(finding.risk).",
                ],
                choices: [
                    .init(label: "Keep it", effect: nil), .init(label: "Dismiss it", effect: .dismiss(finding.id)),
                ]
                    + approvable.prefix(7).map {
                        .init(
                            label: "Dismiss the proposal alone: \(Self.name(of: $0))", effect: .decide(.dismiss, $0.id))
                    }))
    }

    /// Stops all of them, or lets them act again.
    mutating func askToStopOrResume() {
        if live.responses?.stopped == true {
            dialog = .menu(
                .init(
                    title: "Let responses act again?",
                    text: ["What was taken back stays so until there is evidence again."],
                    choices: [
                        .init(label: "Leave them stopped", effect: nil),
                        .init(label: "Let them act", effect: .resumeResponses),
                    ]))
            return
        }
        let count = (live.responses?.active.count ?? 0) + (live.responses?.omitted ?? 0)
        dialog = .menu(
            .init(
                title: "Stop all responses?",
                text: [
                    count == 0
                        ? "None is in force." : "\(Quantity.count(count, "response")) in force will be taken back.",
                    "Nothing acts before they are resumed; findings go on.",
                ],
                choices: [
                    .init(label: "Let them go on", effect: nil), .init(label: "Stop them", effect: .stopResponses),
                ]))
    }

    private static func title(of finding: FindingReport?) -> String { shown(finding?.title ?? "") }

    private static func name(of response: ResponseList.Entry) -> String {
        "\(shown(response.id)), \(shown(response.rung))"
    }

    private static func words(about response: ResponseList.Entry) -> [String] {
        let what = ResponseView.words(for: response.rung).map { "\(shown(response.rung)): \($0)" }
        return [
            what ?? shown(response.rung), "against \(shown(response.subject))", "because \(shown(response.reason))",
        ]
    }
}
