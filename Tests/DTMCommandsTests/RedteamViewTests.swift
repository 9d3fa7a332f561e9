import ArgumentParser
import DTMCore
import DTMRedteam
import DTMText
import Testing

@testable import DTMAPI
@testable import DTMCommands

@Suite struct RedteamViewTests {
    static let report = """
        {"schemaVersion":1,"tunnel":null,"attackerUID":65534,"managerUID":0,"decoys":31,"intervalSeconds":10,"overlapSeconds":2,
        "portRange":[5000,6000],"seed":1,"seconds":4.5,"omitted":["flood"],"attacks":[
        {"attack":"expired-certificate","title":"Shows it","reached":false,"probes":10,"touchedReal":10,
        "alarm":{"code":"certificate.expired","title":"A certificate","risk":45,"subject":"program:uid 65534 /usr/bin/dtm","probes":3,"seconds":0.034},
        "response":{"rung":"notify","seconds":10.14,"more":["rotate"]},
        "chance":{"of":"the first touch is an endpoint","hits":325,"trials":10000,"measured":0.0325,"low":0.0292,"high":0.0362,"formula":7e-11,"formulaText":"R / (R + K)","live":false},
        "clientServed":true,"seconds":13.6,"notes":["a note"]},
        {"attack":"bypass","title":"Past it","reached":true,"probes":1,"touchedReal":0,"alarm":null,"response":null,"chance":null,
        "clientServed":null,"seconds":3,"notes":[]}]}
        """

    @Test(
        "the table and what is said about it fit the terminal, and lose neither who was reached nor a figure",
        arguments: [80, 120])
    func fits(_ width: Int) throws {
        let report = try APIJSON.decode(RedteamReport.self, from: Self.report.utf8)
        let lines = RedteamView.lines(report, TextStyle(width: width, hasColour: false))
        #expect(lines.allSatisfy { columns(of: $0) <= width }, "\(lines.filter { columns(of: $0) > width })")
        let row = try #require(lines.first { $0.hasPrefix("expired-certificate  no") })
        #expect(row.contains("0.0325") && row.hasSuffix("7e-11"))
        #expect(lines.contains { $0.hasPrefix("bypass ") && $0.contains("YES") })
        #expect(lines.last?.hasPrefix("Reached an application: bypass.") ?? false)
        #expect(lines.joined(separator: " ").contains("No time was left for flood"))
    }

    @Test(
        "probabilities are short and keep what matters",
        arguments: [
            (0, "0"), (1, "1"), (0.0371, "0.0371"), (0.5, "0.500"), (0.033, "0.033"), (0.000384, "4e-4"),
            (7.2e-11, "7e-11"),
            (0.000_98, "1e-3"), (0.9999, "1"),
        ])
    func probability(_ value: Double, _ text: String) { #expect(RedteamView.probability(value) == text) }

    @Test("what can't be done is refused with what is allowed")
    func refused() {
        for arguments in [
            ["--attack", "nonsense"], ["--trials", "1"], ["--rate", "0"], ["--limit", "1"], ["--home", "/tmp"],
            ["--tunnel", "x", "--attack", "flood"], ["--tunnel", "x", "--unix"],
        ] {
            #expect(throws: (any Error).self) { try RedteamCommand.parse(arguments) }
        }
        #expect(throws: Never.self) {
            try RedteamCommand.parse(["--tunnel", "x", "--attack", "replay", "slow-scan", "--rate", "0.5"])
        }
    }
}
