import DTMCore

/// Judges a model's answer. What breaks a rule is refused as a whole: nothing is repaired, guessed or cut to fit.
struct AnswerReader {
    /// The longest answer in bytes.
    static let maximumBytes = 64 << 10
    /// The longest text in Unicode scalars.
    static let maximumTextLength = 400
    static let maximumEvidence = 64

    /// Which rule was broken: never what stood there.
    struct Objection: Error, Hashable {
        let rule: String
        init(_ rule: String) { self.rule = rule }
    }

    let evidence: [Pseudonym: [String: Evidence]]

    /// - Throws: ``Objection``.
    func advice(from text: String, source: ModelAdvice.Source) throws(Objection) -> ModelAdvice {
        try advice(from: Self.parse(text), source: source)
    }

    /// - Throws: ``Objection``.
    func advice(from node: JSONNode, source: ModelAdvice.Source) throws(Objection) -> ModelAdvice {
        let members = try Self.members(of: node, named: ["overall", "applications"], "the answer")
        guard case .array(let elements)? = members["applications"]?.kind else {
            throw Objection("applications has to be an array")
        }
        guard elements.count <= evidence.count else { throw Objection("there are more applications than were told of") }
        var opinions: [Pseudonym: ModelAdvice.Opinion] = [:]
        for element in elements {
            let opinion = try opinion(from: element)
            guard opinions.updateValue(opinion, forKey: opinion.application) == nil else {
                throw Objection("an application stands there twice")
            }
        }
        return ModelAdvice(
            source: source, overall: try Self.text(members["overall"], "overall"),
            opinions: opinions.values.sorted { ($1.attention, $0.application) < ($0.attention, $1.application) })
    }

    private static let fields = ["id", "verdict", "attention", "summary", "evidence", "recommendation"]

    private func opinion(from node: JSONNode) throws(Objection) -> ModelAdvice.Opinion {
        let members = try Self.members(of: node, named: Self.fields, "an application")
        guard case .string(let id)? = members["id"]?.kind,
            let (pseudonym, known) = evidence.first(where: { $0.key.description == id })
        else { throw Objection("id has to be an application that was told of") }
        guard case .string(let word)? = members["verdict"]?.kind,
            let verdict = ModelAdvice.Opinion.Verdict(rawValue: word)
        else { throw Objection("verdict has to be one of four words") }
        guard case .number(let number)? = members["attention"]?.kind, let attention = number.integer,
            (0...100).contains(attention)
        else { throw Objection("attention has to be a whole number, 0 to 100") }
        return ModelAdvice.Opinion(
            application: pseudonym, verdict: verdict, attention: attention,
            summary: try Self.text(members["summary"], "summary"),
            evidence: try Self.references(members["evidence"], among: known),
            recommendation: members["recommendation"]?.kind == .null
                ? nil : try Self.text(members["recommendation"], "recommendation"))
    }

    private static func references(
        _ node: JSONNode?, among known: [String: Evidence]
    ) throws(Objection) -> [Evidence] {
        guard case .array(let elements)? = node?.kind, elements.count <= maximumEvidence else {
            throw Objection("evidence has to be an array of at most \(maximumEvidence) ids")
        }
        var found: [Evidence] = []
        for element in elements {
            guard case .string(let id) = element.kind, let item = known[id] else {
                throw Objection("evidence has to be ids that were told of the application")
            }
            if !found.contains(item) { found.append(item) }
        }
        return found
    }
}

extension AnswerReader {
    /// One JSON value and nothing around it.
    static func parse(_ text: String) throws(Objection) -> JSONNode {
        let bytes = Array(text.utf8)
        guard bytes.count <= maximumBytes else { throw Objection("an answer has at most \(maximumBytes) bytes") }
        return try parse(bytes)
    }

    static func parse(_ bytes: [UInt8]) throws(Objection) -> JSONNode {
        do throws(JSONFailure) {
            return try bytes.withUnsafeBytes { bytes in
                Result { () throws(JSONFailure) in try JSONParser.parse(bytes) }
            }.get()
        } catch {
            throw Objection("it has to be JSON: \(error.allowed)")
        }
    }

    /// The members of an object that has just these, each once.
    private static func members(
        of node: JSONNode, named names: [String], _ what: String
    ) throws(Objection) -> [String: JSONNode] {
        guard case .object(let members) = node.kind else { throw Objection("\(what) has to be an object") }
        var found: [String: JSONNode] = [:]
        for member in members {
            guard names.contains(member.name) else { throw Objection("\(what) has a key that is not allowed") }
            guard found.updateValue(member.value, forKey: member.name) == nil else {
                throw Objection("\(what) has a key twice")
            }
        }
        if let missing = names.first(where: { found[$0] == nil }) { throw Objection("\(what) lacks \(missing)") }
        return found
    }

    private static func text(_ node: JSONNode?, _ what: String) throws(Objection) -> String {
        guard case .string(let text)? = node?.kind, text.unicodeScalars.count <= maximumTextLength else {
            throw Objection("\(what) has to be a text of at most \(maximumTextLength) characters")
        }
        return harmless(text)
    }

    /// Without what a terminal might act on or a reader not see. A line's end becomes a space.
    static func harmless(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .lineSeparator, .paragraphSeparator: result.append(" ")
            case .control where scalar == "\n" || scalar == "\t" || scalar == "\r": result.append(" ")
            case .control, .format, .privateUse, .surrogate, .unassigned: continue
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
