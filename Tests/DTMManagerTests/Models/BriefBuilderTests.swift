import DTMAnalysis
import DTMConfiguration
import DTMCore
import DTMModels
import Testing

@testable import DTMManager

@Suite struct BriefBuilderTests {
    private static let canary = "CANARY-/opt/secret --password=CANARY alice@10.9.8.7 spiffe://d/client/CANARY"

    private func finding(_ code: String, tunnel: String? = nil, app: String? = nil, source: Finding.Source = .rule)
        -> Finding
    {
        Finding(
            id: "1", code: code, time: Samples.now,
            subject: .program(uid: 1_001, executable: "/usr/bin/\(Self.canary)"), tunnel: tunnel, app: app, risk: 80,
            title: Self.canary, evidence: [Self.canary, "user \(Self.canary)"], source: source)
    }

    @Test func `No name, path, user, identity or word of a peer gets into what is sent`() async throws {
        let (tunnel, app) = ("canary-tunnel", Self.canary)
        var book = PseudonymBook()
        let findings = [
            finding("decoy.touched", tunnel: tunnel), finding("traffic.outflow", app: app),
            finding(Self.canary, tunnel: tunnel), finding("model.attention", app: app, source: .model),
        ]
        let briefing = BriefBuilder.make(
            Samples.known([(tunnel, app)]), tunnels: [(tunnel, app)], findings: findings, book: &book, at: Samples.now)
        let told = try #require(briefing.brief.applications.first)
        #expect(briefing.brief.applications.count == 1 && told.tier == .fronted && told.risk > 0)
        #expect(told.findings.map(\.code.description).sorted() == ["decoy.touched", "traffic.outflow"])
        #expect(told.features[.connectionsPerMinute].map { abs($0 - 120) < 1 } == true)
        #expect(told.features[.processorPercent] == 50 && told.features[.intervalRegularity] == 1)
        #expect(briefing.subjects[told.pseudonym] == .init(subject: .application(app), tunnels: [tunnel]))

        var endpoints: [ModelEndpoint] = []
        for provider in ModelProvider.allCases {
            let url = try #require(ModelURL("http://127.0.0.1:9/v1"))
            endpoints.append(ModelEndpoint(provider: provider, url: url, model: "m"))
        }
        let transport = ScriptedTransport { _ in "" }
        let panel = ModelPanel(
            settings: ModelSettings(models: endpoints), keys: ModelKeyFiles(credentials: nil), transport: transport)
        let shown = await panel.showPrompt(for: briefing.brief)
        #expect(shown.count == ModelProvider.allCases.count)
        for request in shown {
            let text = request.url + request.headers.joined() + request.body
            #expect(text.contains("app-1") && text.contains("decoy.touched"))
            for piece in ["canary", "/opt/", "password", "alice", "10.9.8.7", "spiffe", "1001", "usr/bin"] {
                #expect(!text.lowercased().contains(piece), "\(piece)")
            }
        }
    }

    @Test func `What a model said raises no risk that it is told later, and pseudonyms stay`() {
        var book = PseudonymBook()
        func risk(_ findings: [Finding]) -> Int? {
            BriefBuilder.make(
                Samples.known([("a", nil)]), tunnels: [("a", nil)], findings: findings, book: &book, at: Samples.now
            ).brief.applications.first?.risk
        }
        #expect(risk([]) == 0 && risk([finding("model.attention", tunnel: "a", source: .model)]) == 0)
        #expect(risk([finding("decoy.touched", tunnel: "a")]) == 80)
        let again = BriefBuilder.make(
            Samples.known([("b", nil), ("a", nil)]), tunnels: [("b", nil), ("a", nil), ("idle", nil)], findings: [],
            book: &book, at: Samples.now)
        #expect(again.brief.applications.map(\.pseudonym.number) == [1, 2] && book.issued == 2)
    }

    @Test func `At most as many applications get a pseudonym as a model is told of`() {
        var book = PseudonymBook()
        let tunnels = (0..<200).map { (name: "t\($0)", app: String?.none) }
        let briefing = BriefBuilder.make(
            Samples.known(tunnels), tunnels: tunnels, findings: [finding("decoy.touched", tunnel: "t199")], book: &book,
            at: Samples.now)
        #expect(briefing.brief.applications.count == AnalysisBrief.maximumApplications)
        #expect(book.count == AnalysisBrief.maximumApplications)
        #expect(briefing.subjects[Pseudonym(number: 1)]?.subject == .tunnel("t199"))
    }
}
