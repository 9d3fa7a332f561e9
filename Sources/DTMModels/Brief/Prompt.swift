/// What a model is told and asked, as text, and what its evidence ids stand for. The same brief always gives the same.
public struct ModelPrompt: Hashable, Sendable {
    /// What the model is for, and how it shall answer.
    public let instructions: String
    /// The brief.
    public let question: String
    /// The evidence of each application, by id.
    let evidence: [Pseudonym: [String: Evidence]]

    init(_ brief: CoarseBrief) {
        var lines: [String] = []
        var evidence: [Pseudonym: [String: Evidence]] = [:]
        var number = 0
        for (pseudonym, application) in brief.applications.sorted(by: { $0.key < $1.key }) {
            lines.append("\(pseudonym): protection \(application.tier.rawValue), embedded risk \(application.risk)")
            for (line, item) in Self.items(of: application) {
                number += 1
                lines.append("  e\(number) \(line)")
                evidence[pseudonym, default: [:]]["e\(number)"] = item
            }
        }
        instructions = Self.instructions
        question = lines.joined(separator: "\n")
        self.evidence = evidence
    }

    private static func items(of application: CoarseBrief.Application) -> [(String, Evidence)] {
        let features = Feature.allCases.compactMap { feature -> (String, Evidence)? in
            guard let reading = application.readings[feature] else { return nil }
            let usual = reading.usual.map { ", usually \($0.text)" } ?? ""
            return ("\(feature.rawValue) about \(reading.now.text)\(usual)", .feature(feature))
        }
        let findings = application.findings.map { finding in
            (
                "finding \(finding.code), risk \(finding.risk), seen about \(finding.count.text) times",
                Evidence.finding(finding.code)
            )
        }
        return features + findings
    }

    /// How many tokens it is taken for: about three bytes each.
    var estimatedTokens: Int { (instructions.utf8.count + question.utf8.count) / 3 }

    private static let instructions = """
        You advise the operator of a host whose local applications stand behind mutual-TLS tunnels with moving endpoints \
        and decoys. You get aggregates of the last minutes, for each application under a pseudonym. Numbers are rounded \
        down to steps of 1, 2 and 5. Each line with an id, as e7, is evidence. Rules have judged already; you add what \
        they may have missed, and say so when nothing stands out. A deployment changes many numbers at once and is no \
        attack by itself.
        Answer with one JSON object and nothing else: {"overall": text of at most 400 characters, "applications": [{"id": \
        pseudonym, "verdict": "benign" | "unusual" | "suspicious" | "malicious", "attention": whole number 0 to 100, \
        "summary": text of at most 400 characters, "evidence": [ids of this application], "recommendation": text of at \
        most 400 characters or null}]}. Name each application at most once and leave out those of which there is nothing \
        to say.
        """
}

/// What an evidence id stands for.
public enum Evidence: Hashable, Sendable {
    case feature(Feature)
    case finding(FindingCode)
}

extension Evidence: CustomStringConvertible {
    /// As `bytes_out_per_minute` or `decoy.touched`.
    public var description: String {
        switch self {
        case .feature(let feature): feature.rawValue
        case .finding(let code): code.description
        }
    }
}
