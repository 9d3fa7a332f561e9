/// What a model may be told: numbers of a closed list, under pseudonyms, and codes of findings. There is no field that
/// could hold a name, an argument, an address, a certificate's subject or a peer's text.
///
/// Whoever watches makes one each interval and hands it to ``ModelPanel/consult(_:)``.
public struct AnalysisBrief: Hashable, Sendable {
    /// The most applications in a prompt. Of more, those with the highest risk are told.
    public static let maximumApplications = 32
    /// The most findings of an application in a prompt. Of more, those with the highest risk are told.
    public static let maximumFindings = 12

    public var applications: [ApplicationBrief]

    public init(applications: [ApplicationBrief]) { self.applications = applications }
}

/// One application of a brief.
public struct ApplicationBrief: Hashable, Sendable {
    /// How well it is shielded.
    public enum Tier: String, Hashable, Sendable, CaseIterable {
        case isolated, fenced, fronted, unprotected
    }

    public var pseudonym: Pseudonym
    public var tier: Tier
    /// 0–100: what rules and detectors say.
    public var risk: Int
    /// What is measured now.
    public var features: [Feature: Double]
    /// What is usual for the application, where that is known.
    public var usual: [Feature: Double]
    public var findings: [FindingNote]

    public init(
        pseudonym: Pseudonym, tier: Tier, risk: Int = 0, features: [Feature: Double] = [:],
        usual: [Feature: Double] = [:], findings: [FindingNote] = []
    ) {
        self.pseudonym = pseudonym
        self.tier = tier
        self.risk = min(max(risk, 0), 100)
        self.features = features
        self.usual = usual
        self.findings = findings
    }
}

/// What kind of finding it is: one of the codes that the manager itself has.
public struct FindingCode: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let description: String

    /// Nil unless `text` is one of `known` and a dotted name in lower case of at most 64 characters: nothing that
    /// somebody else has chosen can be one.
    public init?(_ text: String, among known: Set<String>) {
        let isName = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: "_")
        }
        guard known.contains(text), isName, (1...64).contains(text.utf8.count) else { return nil }
        description = text
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// A finding, as far as a model may know it.
public struct FindingNote: Hashable, Sendable {
    public var code: FindingCode
    /// 0–100.
    public var risk: Int
    /// How often it was seen.
    public var count: UInt64

    public init(code: FindingCode, risk: Int, count: UInt64 = 1) {
        self.code = code
        self.risk = min(max(risk, 0), 100)
        self.count = count
    }
}
